#include "service/firmware/header.h"

#include <string.h>
#include <strings.h>

#include "service/base/buf.h"
#include "service/base/digest.h"

enum {
    MAGIC = 0xE9,
    SEGMENTS_MAX = 16,
    SEGMENT_HEAD = 8,
    MODES = 6, /* with fast and slow read, which no wish asks for */
    AT_MODE = 2,
    AT_SIZE_FREQ = 3,
    AT_CHIP = 12,
    AT_MIN_OLD = 14,
    AT_MIN = 15,
    AT_MAX = 17,
    AT_HASHED = 23,
    CHIP_C3 = 5,
    SIZES = 8,
    MB = 1024 * 1024
};

/* The lowest revision has two fields. The older one is a single byte, in which the C3 counted minor
 * revisions and the others major ones; it counts where the newer fields were never set. */
static uint16_t min_revision(const uint8_t *data, const struct esp_header *h)
{
    uint16_t full = le16_get(data + AT_MIN), old = data[AT_MIN_OLD];
    bool newer = h->max_revision != 0 && (h->max_revision != UINT16_MAX || full != 0);
    if (newer || !old) return full;
    return h->chip_id == CHIP_C3 ? old : (uint16_t)(old * 100);
}

bool esp_header_read(const uint8_t *data, size_t n, struct esp_header *out)
{
    if (n < HEADER_BYTES || data[0] != MAGIC || data[AT_MODE] >= MODES || data[AT_HASHED] > 1 ||
        !data[1] || data[1] > SEGMENTS_MAX)
        return false;
    *out = (struct esp_header){
        .segments = data[1],
        .mode = data[AT_MODE],
        .size_freq = data[AT_SIZE_FREQ],
        .chip_id = le16_get(data + AT_CHIP),
        .max_revision = le16_get(data + AT_MAX),
        .hashed = data[AT_HASHED] == 1,
    };
    out->min_revision = min_revision(data, out);
    return true;
}

uint32_t esp_header_flash_bytes(const struct esp_header *h)
{
    unsigned code = h->size_freq >> 4;
    return code < SIZES ? (uint32_t)MB << code : 0;
}

/* --- how long it is --- */

static enum err runs_past(void)
{
    return err_fail(ERR_ARG, "bad_image", "The file is cut short or damaged: get it again.",
                    "the segments of the image run past its end");
}

/* The checksum is the last byte of 16, with zeros before it. */
static uint64_t behind_checksum(uint64_t at)
{
    return (at | 15) + 1;
}

static enum err walk(esp_image_read_fn read, void *arg, uint32_t max, struct esp_header *h,
                     uint32_t *hash_at_out)
{
    uint8_t head[HEADER_BYTES];
    enum err e = max < HEADER_BYTES ? ERR_OK : read(0, head, sizeof head, arg);
    if (e) return e;
    if (max < HEADER_BYTES || !esp_header_read(head, sizeof head, h))
        return err_fail(ERR_ARG, "bad_image", "Send a bootloader or an app image.",
                        "this is no image of an ESP chip");
    uint64_t at = HEADER_BYTES;
    for (unsigned i = 0; i < h->segments; i++) {
        if (at + SEGMENT_HEAD > max) return runs_past();
        e = read((uint32_t)at, head, SEGMENT_HEAD, arg);
        if (e) return e;
        at += SEGMENT_HEAD + (uint64_t)le32_get(head + 4);
    }
    at = behind_checksum(at);
    if (at + (h->hashed ? SHA256_BYTES : 0) > max) return runs_past();
    *hash_at_out = (uint32_t)at;
    return ERR_OK;
}

enum err esp_image_bytes(esp_image_read_fn read, void *arg, uint32_t max, uint32_t *bytes_out)
{
    struct esp_header h;
    enum err e = walk(read, arg, max, &h, bytes_out);
    if (!e && h.hashed) *bytes_out += SHA256_BYTES;
    return e;
}

/* --- what is asked to change --- */

static const char *const modes[] = {"qio", "qout", "dio", "dout", NULL};
static const char *const sizes[] = {"1MB",  "2MB",  "4MB",   "8MB", "16MB",
                                    "32MB", "64MB", "128MB", NULL};

struct freq {
    const char *name;
    uint8_t code;
};
static const struct freq usual_freqs[] = {
    {"40m", 0}, {"26m", 1}, {"20m", 2}, {"80m", 0xf}, {NULL, 0}};
static const struct freq c2_freqs[] = {{"30m", 0}, {"20m", 1}, {"15m", 2}, {"60m", 0xf}, {NULL, 0}};
static const struct freq h2_freqs[] = {{"24m", 0}, {"16m", 1}, {"12m", 2}, {"48m", 0xf}, {NULL, 0}};
/* The C6 has one code for both. */
static const struct freq c6_freqs[] = {{"80m", 0}, {"40m", 0}, {"20m", 2}, {NULL, 0}};
static const struct freq c5_freqs[] = {{"80m", 0xf}, {"40m", 0}, {"20m", 2}, {NULL, 0}};

static const struct {
    const char *chip;
    const struct freq *freqs;
} chips[] = {
    {"esp32", usual_freqs},   {"esp32s2", usual_freqs}, {"esp32s3", usual_freqs},
    {"esp32c3", usual_freqs}, {"esp32c2", c2_freqs},    {"esp32h2", h2_freqs},
    {"esp32c6", c6_freqs},    {"esp32c5", c5_freqs},    {"esp32c61", c5_freqs},
};

static enum err bad_header(const char *what, const char *value, const char *hint)
{
    return err_fail(ERR_ARG, "bad_header", hint, "the header's %s cannot be \"%.20s\"", what,
                    value);
}

static bool find_name(const char *const *list, const char *name, uint8_t *out)
{
    for (uint8_t i = 0; list[i]; i++) {
        if (strcasecmp(list[i], name) != 0) continue;
        *out = i;
        return true;
    }
    return false;
}

static bool find_freq(const char *chip, const char *name, uint8_t *out)
{
    for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
        if (strcmp(chips[i].chip, chip) != 0) continue;
        for (const struct freq *f = chips[i].freqs; f->name; f++) {
            if (strcasecmp(f->name, name) != 0) continue;
            *out = f->code;
            return true;
        }
    }
    return false;
}

enum err esp_header_wish_parse(const char *chip, const char *mode, const char *freq,
                               const char *size, struct esp_header_wish *out)
{
    *out = (struct esp_header_wish){HEADER_KEEP, HEADER_KEEP, HEADER_KEEP};
    if (strcasecmp(mode, "keep") != 0 && !find_name(modes, mode, &out->mode))
        return bad_header("mode", mode, "Write keep, qio, qout, dio or dout.");
    if (strcasecmp(freq, "keep") != 0 && !find_freq(chip, freq, &out->freq))
        return bad_header("freq", freq,
                          "Write keep, or a flash frequency of this chip: 80m, 40m, 26m, 20m; C2: "
                          "60m, 30m, 20m, 15m; H2: 48m, 24m, 16m, 12m.");
    if (strcasecmp(size, "keep") != 0 && !find_name(sizes, size, &out->size))
        return bad_header("size", size, "Write keep, or 1MB, 2MB, 4MB … 128MB.");
    return ERR_OK;
}

uint32_t esp_flash_bytes_parse(const char *size)
{
    uint8_t code;
    return find_name(sizes, size, &code) ? (uint32_t)MB << code : 0;
}

/* --- changing it --- */

static enum err read_memory(uint32_t at, uint8_t *out, size_t n, void *image)
{
    memcpy(out, (const uint8_t *)image + at, n);
    return ERR_OK;
}

enum err esp_header_patch(uint8_t *image, size_t n, const struct esp_header_wish *wish)
{
    struct esp_header h = {.hashed = false};
    uint32_t hash_at = 0;
    enum err e = walk(read_memory, image, n < UINT32_MAX ? (uint32_t)n : UINT32_MAX, &h, &hash_at);
    if (e) return e;
    uint8_t *packed = &image[AT_SIZE_FREQ];
    if (wish->mode != HEADER_KEEP) image[AT_MODE] = wish->mode;
    if (wish->freq != HEADER_KEEP) *packed = (uint8_t)((*packed & 0xf0) | wish->freq);
    if (wish->size != HEADER_KEEP) *packed = (uint8_t)((*packed & 0x0f) | wish->size << 4);
    if (h.hashed) digest_sha256(image, hash_at, image + hash_at);
    return ERR_OK;
}
