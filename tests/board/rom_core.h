/* rom_core: what the parts of the loader share: rom.c (frames, answers, plain commands),
 * rom_memory.c (registers and memory), rom_security.c (what the fuses say), rom_flash.c and
 * rom_deflate.c (flash commands), rom_stub.c (the uploaded stub), rom_basic.c (the prompt behind
 * the ESP32's loader). */
#ifndef TESTS_BOARD_ROM_CORE_H
#define TESTS_BOARD_ROM_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "tests/board/lane.h"
#include "tests/board/rom.h"
#include "tests/board/slip.h"

enum {
    ROM_HEAD = 8,       /* request: direction, opcode, size, checksum */
    ROM_DATA_HEAD = 16, /* data commands: length, sequence number, 0, 0 */
    ROM_MAX_BLOCK = 0x1800,
    ROM_RX_BYTES = 0x4000 + 64, /* the stub's largest frame; the ROM's own limit is lower */
    ROM_WINDOW = 32768,
    ROM_PAYLOAD = 64,
    ROM_REPLY_MAX = 4096 + 64,
};

enum rom_error {
    ROM_ERR_FORMAT = 0x05,
    ROM_ERR_FAILED = 0x06,
    ROM_ERR_CHECKSUM = 0x07,
    ROM_ERR_WRITE = 0x08,
    ROM_ERR_READ = 0x09,
    ROM_ERR_LENGTH = 0x0a,
    ROM_ERR_INFLATE = 0x0b,
    ROM_ERR_ADLER = 0x0c,
};

enum rom_mode { MODE_OFF, MODE_LOADER, MODE_STUB, MODE_BASIC, MODE_DEAD };
enum rom_then { THEN_NOTHING, THEN_RESTART, THEN_RUN_FLASH, THEN_BAUD, THEN_STUB, THEN_DIE };

/* One command's outcome. */
struct rom_answer {
    size_t payload; /* bytes of rom.reply before the status */
    bool failed;
    bool mute;          /* no answer at all */
    bool empty_frame;   /* two more delimiters follow */
    uint8_t stub_code;  /* the stub's status */
    uint64_t before_ns; /* work done before the answer */
    uint64_t after_ns;  /* work done after it */
    enum rom_then then;
};

struct rom_download { /* flash session, raw or deflate */
    bool open;        /* data is taken */
    bool begun;       /* by a BEGIN, not only because nothing forbids it */
    bool encrypt;     /* what is programmed goes through the flash cipher */
    uint32_t at;      /* write pointer */
    uint32_t next;    /* expected sequence number */
    uint32_t count;   /* announced blocks */
    uint32_t block;   /* largest block that is taken */
    uint32_t left;    /* stub: bytes still expected */
    uint32_t erased;  /* stub: erased up to here */
};

struct rom_inflate { /* the stream of a deflate session */
    bool live;       /* z is */
    bool ended;      /* the stream is complete */
    bool at_block;   /* the next bits are a deflate block's header */
    bool stored;     /* it is a stored block */
    uint8_t last_in; /* the byte taken last: its upper bits are still to be used */
    z_stream z;
    size_t window_len;
};

struct rom_upload { /* MEM session */
    bool open;
    uint32_t at;
    uint32_t next;
};

struct rom_read { /* stub: READ_FLASH under way */
    bool active;
    uint32_t start, length, packet, sent, acked;
};

struct rom {
    struct rom_env env;
    struct regs *regs;
    struct timer *timer;
    enum rom_mode mode;
    struct slip slip;
    uint8_t rx[ROM_RX_BYTES];
    struct lane inbox; /* bytes that came while a command was at work */
    bool busy, working;
    uint8_t op;                     /* of the last command that was known */
    uint32_t value;                 /* the reply's value word: it keeps what was there */
    uint8_t error;                  /* second status byte: kept as well */
    uint8_t reply[ROM_PAYLOAD + 4]; /* payload and status; the ROM never clears it */
    uint32_t flash_bytes;           /* as SPI_SET_PARAMS said */
    uint64_t md5_count;
    uint32_t new_baud;
    struct rom_answer answer;
    struct lane out; /* the answer, until its work is done */
    struct rom_download raw, defl;
    struct rom_inflate inf;
    struct rom_upload up;
    struct rom_read read;
    uint8_t stub_error; /* of a write after its answer: told with the next one */
    uint8_t window[ROM_WINDOW];
    uint8_t basic_line;
};

typedef void (*rom_command_fn)(struct rom *r, struct rom_answer *a);
struct rom_command {
    uint8_t op;
    rom_command_fn fn;
};

/* rom.c */
uint32_t rom_word(const struct rom *r, int i); /* i-th word of the request's body */
uint32_t rom_size_field(const struct rom *r);
void rom_fail(struct rom *r, struct rom_answer *a, uint8_t code);
bool rom_checksum_is_right(const struct rom *r, uint32_t n);
void rom_send_frame(struct rom *r, const uint8_t *data, size_t n); /* queued to the answer */

/** No answer, and none ever again: only a reset helps. */
void rom_hang(struct rom *r, struct rom_answer *a);

/* rom_memory.c */
/** The processor runs into an exception at @p address. */
void rom_crash(struct rom *r, struct rom_answer *a, const char *cause, uint32_t address);
void rom_cmd_read_reg(struct rom *r, struct rom_answer *a);
void rom_cmd_write_reg(struct rom *r, struct rom_answer *a);
void rom_cmd_mem_begin(struct rom *r, struct rom_answer *a);
void rom_cmd_mem_data(struct rom *r, struct rom_answer *a);
void rom_cmd_mem_end(struct rom *r, struct rom_answer *a);

/* rom_security.c */
/** Does this chip's loader serve the command at all? */
bool rom_serves(const struct rom *r, uint8_t op);
/** Puts the answer to GET_SECURITY_INFO into r->reply. */
void rom_cmd_security_info(struct rom *r, struct rom_answer *a);

/* rom_flash.c */
/** The power-on state of the sessions, and the state after the last one. */
void rom_sessions_start(struct rom *r);
void rom_sessions_end(struct rom *r);
bool rom_program(struct rom *r, uint32_t at, const uint8_t *data, size_t n);
/** As a session does it: encrypted or not, and with the chip's way at the end of the flash.
 *  @return false when it did not read back as asked */
bool rom_session_program(struct rom *r, const struct rom_download *s, const uint8_t *data,
                         size_t n);
void rom_erase(struct rom *r, uint32_t at, uint32_t n);
void rom_read_flash(const struct rom *r, uint32_t at, uint8_t *out, size_t n);
void rom_md5(struct rom *r, uint32_t at, uint32_t n, uint8_t out[16]);
/** Checks of a data block, in the ROM's order. */
bool rom_take_block(struct rom *r, struct rom_answer *a, struct rom_download *s);
void rom_begin(struct rom *r, struct rom_answer *a, struct rom_download *s, uint32_t max_block);
void rom_cmd_flash_begin(struct rom *r, struct rom_answer *a);
void rom_cmd_flash_data(struct rom *r, struct rom_answer *a);
void rom_cmd_flash_end(struct rom *r, struct rom_answer *a);
void rom_cmd_md5(struct rom *r, struct rom_answer *a);
void rom_cmd_read_slow(struct rom *r, struct rom_answer *a);

/* rom_deflate.c */
void rom_inflate_start(struct rom *r);
void rom_inflate_end(struct rom *r);
void rom_cmd_defl_begin(struct rom *r, struct rom_answer *a);
void rom_cmd_defl_data(struct rom *r, struct rom_answer *a);
void rom_cmd_defl_end(struct rom *r, struct rom_answer *a);

/* rom_stub.c */
extern const struct rom_command rom_stub_commands[];
void rom_stub_reply(struct rom *r, const struct rom_answer *a);
/* A frame while READ_FLASH streams is an acknowledgement. @return true when it was taken as one */
bool rom_stub_acknowledge(struct rom *r);

/* rom_basic.c */
void rom_basic_start(struct rom *r);
void rom_basic_byte(struct rom *r, uint8_t byte);
#endif
