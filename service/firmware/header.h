/* header: the head of an ESP image (bootloader or app): rom-protocol.md 14. Pure. */
#ifndef SERVICE_FIRMWARE_HEADER_H
#define SERVICE_FIRMWARE_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

enum { HEADER_BYTES = 24, HEADER_KEEP = 0xff };

struct esp_header {
    uint8_t segments, mode, size_freq; /* as in bytes 1…3 */
    uint16_t chip_id;
    uint16_t min_revision, max_revision; /* major × 100 + minor; max 0 or 0xffff = no limit */
    bool hashed;                         /* a SHA-256 is appended */
};

/** @return false when the bytes are no image's head */
bool esp_header_read(const uint8_t *data, size_t n, struct esp_header *out);
/** Bytes of flash by the size code of a head; 0 = no such code. */
uint32_t esp_header_flash_bytes(const struct esp_header *h);

/** @p n bytes of an image, @p at bytes behind its head. */
typedef enum err (*esp_image_read_fn)(uint32_t at, uint8_t *out, size_t n, void *arg);
/** How long an image is: head, segments, checksum, appended SHA-256.
 *  @param max  where what can be read ends
 *  @return ERR_OK; ERR_ARG with code bad_image (no head, or its segments run past @p max); what
 * @p read returned */
enum err esp_image_bytes(esp_image_read_fn read, void *arg, uint32_t max, uint32_t *bytes_out);

/** What a user asks to change; HEADER_KEEP = leave as it is. */
struct esp_header_wish {
    uint8_t mode; /* 0 QIO, 1 QOUT, 2 DIO, 3 DOUT */
    uint8_t freq; /* code of the chip, low nibble */
    uint8_t size; /* code, high nibble */
};
/** "dio", "40m", "4MB"; "keep". Frequencies by chip. @return ERR_OK; ERR_ARG with code bad_header
 */
enum err esp_header_wish_parse(const char *chip, const char *mode, const char *freq,
                               const char *size, struct esp_header_wish *out);
/** Bytes of flash that "4MB" means; 0 = it means none ("keep", "detect", other text). */
uint32_t esp_flash_bytes_parse(const char *size);
/** Change bytes 2 and 3 and, when the image is hashed, its SHA-256.
 *  @param n  bytes from the image's head on; the image may end before
 *  @return ERR_OK; ERR_ARG with code bad_image when its segments run past @p n */
enum err esp_header_patch(uint8_t *image, size_t n, const struct esp_header_wish *wish);
#endif
