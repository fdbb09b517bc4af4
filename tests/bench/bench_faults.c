/* The fault run: a thousand writes to a scripted ROM (tests/unit/flash/rom_model.h, in virtual
 * time), in every tenth of which a byte is lost or flipped somewhere. Each has to end verified, or
 * failed with a cause; and then all of the flash is compared, the neighbours too.
 *
 * bench_faults [WRITES [EVERY]]. One JSON line: "wrong" are those called good whose flash is not,
 * or whose neighbours are not; "strayed" those of them whose BEGIN was damaged on the way and
 * believed by the ROM, which has no checksum there: the images are right, but it erased elsewhere
 * too. */
#include "service/flash/flasher.h"
#include "tests/unit/flash/rom_model.h"

#include <zlib.h>

enum {
    IMAGE = 0x120000,
    COVERS = 2 * FLASHER_WINDOW,
    IMAGE_BYTES = COVERS + 9001,
    IMAGE_ERASE = COVERS + 0x4000,
    KEYS = 0x34000, /* three partitions of two sectors each */
    KEY_ERASE = 0x2000,
    KEY_BYTES = 1500,
    REGIONS = 4
};

struct run {
    struct model *m;
    struct flasher *f;
    bool faulted;
    enum err error;
};

struct figures {
    unsigned writes, faulted, verified, failed, wrong, strayed, retries, slowdowns;
    int64_t ms;
};

static uint8_t image[IMAGE_BYTES], packed[IMAGE_BYTES], key[KEY_BYTES];
static struct flasher_region regions[REGIONS];
static uint32_t chance_state = 1;

static uint32_t chance(uint32_t below)
{
    chance_state = chance_state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)chance_state * below >> 32);
}

static void make_regions(void)
{
    z_stream z = {0};
    for (size_t i = 0; i < IMAGE_BYTES; i++)
        image[i] = i % 7 < 4 ? (uint8_t)chance(256) : (uint8_t)(i >> 4);
    for (size_t i = 0; i < KEY_BYTES; i++)
        key[i] = (uint8_t)('A' + chance(57));
    if (deflateInit(&z, 6) != Z_OK) abort();
    z.next_in = image;
    z.avail_in = COVERS;
    z.next_out = packed;
    z.avail_out = sizeof packed;
    if (deflate(&z, Z_SYNC_FLUSH) != Z_OK) abort();
    regions[0] = (struct flasher_region){.offset = IMAGE,
                                         .erase_bytes = IMAGE_ERASE,
                                         .data = image,
                                         .n = IMAGE_BYTES,
                                         .packed = packed,
                                         .packed_n = sizeof packed - z.avail_out,
                                         .packed_covers = COVERS};
    deflateEnd(&z);
    for (uint32_t i = 1; i < REGIONS; i++)
        regions[i] = (struct flasher_region){.offset = KEYS + (i - 1) * KEY_ERASE,
                                             .erase_bytes = KEY_ERASE,
                                             .data = key,
                                             .n = KEY_BYTES - i,
                                             .secret = true};
}

static enum err write_all(struct flasher *f)
{
    enum err e = flasher_connect(f, deadline_in_ms(30000));
    if (!e) e = flasher_read_mac(f);
    if (!e) e = flasher_attach(f, 0);
    for (size_t i = 0; i < REGIONS && !e; i++)
        e = flasher_write(f, &regions[i], deadline_in_ms(600000), NULL, NULL);
    return e;
}

/* @return how many bytes the host sent */
static uint64_t write_once(uint64_t fault_at, struct figures *g)
{
    static uint8_t want[MODEL_FLASH];
    const struct flasher_options options = {.flash_baud = 921600};
    struct model *m = model_new();
    struct flasher *f;
    memcpy(want, m->flash, MODEL_FLASH);
    if (flasher_new(&m->port, &options, &f)) abort();
    if (fault_at) *(chance(2) ? &m->drop_at : &m->flip_at) = fault_at;
    int64_t start = virtual_ns;
    enum err e = write_all(f);
    g->ms += (virtual_ns - start) / 1000000;
    uint64_t sent = m->port.bytes_out;
    for (size_t i = 0; i < REGIONS; i++) {
        memset(want + regions[i].offset, 0xff, regions[i].erase_bytes);
        memcpy(want + regions[i].offset, regions[i].data, regions[i].n);
    }
    bool wrong = !e && memcmp(want, m->flash, MODEL_FLASH) != 0;
    g->writes++;
    g->faulted += fault_at != 0;
    *(e ? &g->failed : &g->verified) += 1;
    if (e && !*err_last()->detail) abort();
    g->wrong += wrong;
    g->strayed += wrong && m->begin_hit;
    g->retries += flasher_retries(f);
    g->slowdowns += flasher_slowdowns(f);
    (void)flasher_finish(f);
    flasher_free(f);
    port_close(&m->port);
    return sent;
}

int main(int argc, char **argv)
{
    unsigned writes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
    unsigned every = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10;
    struct figures g = {0};
    make_regions();
    uint64_t sent = write_once(0, &g);
    while (g.writes < writes)
        write_once(g.writes % every ? 0 : 1 + chance((uint32_t)sent), &g);
    printf("{\"bench\":\"faults\",\"writes\":%u,\"faulted\":%u,\"verified\":%u,\"failed\":%u,"
           "\"wrong\":%u,\"strayed\":%u,\"retries\":%u,\"slowdowns\":%u,\"mean_ms\":%.0f}\n",
           g.writes, g.faulted, g.verified, g.failed, g.wrong, g.strayed, g.retries, g.slowdowns,
           (double)g.ms / g.writes);
    return 0;
}
