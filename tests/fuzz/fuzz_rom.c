/* A loader that answers anything at all: no command may read or write beyond its buffers, take what
 * is no answer for one, or go on for ever. The first byte chooses the command. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "service/flash/diagnose.h"
#include "service/flash/rom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzzed {
    struct port port; /* first */
    const uint8_t *data;
    size_t size, chunk;
};

static enum err fuzzed_read(struct port *p, void *out, size_t cap, struct deadline until,
                            size_t *n_out)
{
    struct fuzzed *f = (struct fuzzed *)p;
    (void)until;
    size_t n = f->chunk % 9 + 1;
    if (n > f->size) n = f->size;
    if (n > cap) n = cap;
    /* Not a time-out, which would be tried again until a real clock has moved. */
    if (!n) return err_set(ERR_PORT_GONE, "no more");
    memcpy(out, f->data, n);
    f->data += n;
    f->size -= n;
    f->chunk++;
    *n_out = n;
    return ERR_OK;
}

static enum err fuzzed_write(struct port *p, const void *data, size_t n, struct deadline until)
{
    const uint8_t *frame = data;
    (void)p;
    (void)until;
    assert(n >= 10 && frame[0] == 0xc0 && frame[n - 1] == 0xc0);
    return ERR_OK;
}

static enum err fuzzed_baud(struct port *p, uint32_t baud)
{
    (void)p;
    (void)baud;
    return ERR_OK;
}

static const struct port_ops ops = {
    .read = fuzzed_read, .write_all = fuzzed_write, .set_baud = fuzzed_baud};

static void run(struct rom *r, uint8_t choice)
{
    static const uint8_t block[64] = {0xc0, 0xdb};
    uint8_t out[64];
    uint32_t v;
    struct rom_security_info info;
    switch (choice % 10) {
    case 0:
        (void)rom_sync(r, deadline_in_ms(1000));
        break;
    case 1:
        (void)rom_read_reg(r, 0x40001000, &v);
        break;
    case 2:
        (void)rom_flash_begin(r, 0x2000, 1, 0x1000, 0x34000);
        break;
    case 3:
        (void)rom_flash_data(r, 0, block, sizeof block);
        break;
    case 4:
        (void)rom_flash_md5(r, 0, 64, out);
        break;
    case 5:
        (void)rom_read_flash(r, 0, out, 64, 3);
        break;
    case 6:
        (void)rom_defl_begin(r, 0x10000, 5, 0x1000, 0x10000);
        break;
    case 7:
        (void)rom_defl_data(r, 0, block, sizeof block, 0x10000);
        break;
    case 8:
        (void)rom_change_baud(r, 921600, 921600);
        break;
    default:
        (void)rom_security_info(r, &info);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    struct fuzzed f = {.port = {.ops = &ops, .baud = 115200},
                       .data = data + 1,
                       .size = size - 1,
                       .chunk = data[0]};
    struct rom r;
    struct buf heard;
    rom_init(&r, &f.port);
    buf_init(&heard, 512);
    r.heard = &heard;
    for (int i = 0; i < 8 && f.size; i++)
        run(&r, (uint8_t)(data[0] + i));
    enum heard told = diagnose_text(heard.data, heard.len);
    assert(told != HEARD_NOTHING || !heard.len);
    (void)diagnose_loader_ready(heard.data, heard.len);
    buf_dispose(&heard);
    rom_dispose(&r);
    return 0;
}
