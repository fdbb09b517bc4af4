/* rom_boot: the ROM knows nothing of chip ids. An image for another chip is one whose segments
 * belong to addresses that this chip has not: that is how it is refused here, too. The later ROMs
 * compare the appended SHA-256 and say so when it is wrong, but go on: only secure boot would stop
 * them. The ESP32 looks at the checksum alone. */
#include "tests/board/rom_boot.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/chip.h"
#include "tests/board/cipher.h"
#include "tests/board/flash.h"
#include "tests/board/image.h"
#include "tests/board/uart.h"

static void say(struct uart *u, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct uart *u, const char *format, ...)
{
    char text[200];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    uart_send(u, text, strlen(text));
}

static void say_mode(const struct chip *c, const struct image *i, struct uart *u)
{
    static const char *const modes[] = {"QIO", "QOUT", "DIO", "DOUT"};
    static const unsigned dividers[] = {2, 3, 4}; /* 40, 26, 20 of 80 MHz */
    if (c->rom->hashes)
        say(u, "SPIWP:0xee\r\n");
    else
        say(u, "configsip: 0, SPIWP:0xee\r\n"
               "clk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00\r\n");
    say(u, "mode:%s, clock div:%u\r\n", i->mode < 4 ? modes[i->mode] : "DIO",
        i->freq < 3 ? dividers[i->freq] : 1);
}

/* Up to the first one that this chip cannot load. */
static void say_segments(const struct chip *c, const struct flash *f, const struct image *i,
                         struct uart *u)
{
    struct image_segment s;
    bool good = true;
    for (unsigned n = 0; n < i->segments && good; n++) {
        good = image_segment(f, i, n, &s) && i->chip_id == c->id;
        say(u, c->rom->hashes ? "load:0x%08x,len:0x%x\r\n" : "load:0x%08x,len:%u\r\n",
            (unsigned)s.address, (unsigned)s.bytes);
    }
}

static void say_hash(struct uart *u, const char *what, const uint8_t *hash)
{
    say(u, "%s: ", what);
    for (int i = 0; i < IMAGE_HASH_BYTES; i++)
        say(u, "%02x", hash[i]);
    say(u, "\r\n");
}

/* The first word of what the ROM reads where the bootloader lies. */
static uint32_t read_header(const struct chip *c, const struct flash *f, bool encrypted)
{
    uint8_t header[4];
    memcpy(header, flash_bytes(f) + c->bootloader_at, sizeof header);
    if (encrypted) cipher_apply(c->bootloader_at, header, sizeof header);
    return le32_get(header);
}

static bool is_image(uint32_t header)
{
    return (header & 0xff) == IMAGE_MAGIC;
}

void rom_boot_complain(const struct chip *c, const struct flash *f, struct uart *console,
                       bool encrypted)
{
    enum { COMPLAINTS = 8 };
    const uint32_t header = read_header(c, f, encrypted);
    for (int i = 0; i < COMPLAINTS && !is_image(header); i++)
        say(console, "invalid header: 0x%08x\r\n", (unsigned)header);
}

bool rom_boot_encrypted(const struct chip *c, const struct flash *f)
{
    return is_image(read_header(c, f, true));
}

bool rom_boot(const struct chip *c, const struct flash *f, struct uart *console, bool quiet)
{
    struct image i;
    if (!image_read(f, c->bootloader_at, &i)) return false;
    const bool loads = i.bytes > 0 && i.chip_id == c->id;
    const bool runs = loads && image_sum_is_right(&i);
    if (runs && quiet) return true;
    say_mode(c, &i, console);
    say_segments(c, f, &i, console);
    if (!loads && c->rom->hashes) say(console, "Invalid image block, can't boot.\r\n");
    if (loads && !runs) say(console, "csum err:0x%02x!=0x%02x\r\n", i.sum, i.stored_sum);
    if (!runs) {
        if (loads || c->rom->hashes) say(console, "ets_main.c %u \r\n", c->rom->main_line);
        return false;
    }
    if (c->rom->hashes && !image_hash_is_right(&i)) {
        say(console, "SHA-256 comparison failed:\r\n");
        say_hash(console, "Calculated", i.hash);
        say_hash(console, "Expected", i.stored_hash);
        say(console, "Attempting to boot anyway...\r\n");
    }
    say(console, "entry 0x%08x\r\n", (unsigned)i.entry);
    return true;
}
