/* transcript: what went over the serial lines, as JSON lines: a meta line, then one line a burst
 * {"ms","dir","port","hex"}, and notes. A burst ends when another port or direction speaks, or
 * after 5 ms without a byte; ms counts from power-on. */
#ifndef TESTS_BOARD_TRANSCRIPT_H
#define TESTS_BOARD_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct transcript;

/** @return NULL with a message on stderr. */
struct transcript *transcript_open(struct loop *l, const char *path, const char *firmware);
void transcript_close(struct transcript *t);
/** @param dir  "host" or "board" */
void transcript_bytes(struct transcript *t, const char *dir, const char *port, const uint8_t *data,
                      size_t n);
void transcript_note(struct transcript *t, const char *text);
#endif
