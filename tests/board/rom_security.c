/* rom_security: what the loader says of its fuses, and which commands they leave. */
#include <string.h>

#include "tests/board/board.h"
#include "tests/board/bytes.h"
#include "tests/board/chip.h"
#include "tests/board/rom_core.h"

enum { OP_SECURITY_INFO = 0x14, FLAG_BOOT = 1, FLAG_DOWNLOAD = 4 };
enum { COUNT_AT = 4, PURPOSES_AT = 5, PURPOSES = 7, CHIP_ID_AT = 12, API_AT = 16 };
/* What keys are for: XTS-AES-128 and the digest of a secure boot key. The last place has held 12 on
 * every chip that was asked. */
enum { PURPOSE_FLASH = 4, PURPOSE_DIGEST = 9, PURPOSE_LAST = 12 };

static bool is_on(const struct rom *r, enum chip_fuse state)
{
    return r->env.options->secure & 1u << state;
}

bool rom_serves(const struct rom *r, uint8_t op)
{
    /* Secure download mode: SYNC, writing without compression, what prepares it, and 0x14. */
    static const uint8_t left[] = {0x02, 0x03, 0x04, 0x08, 0x0b, 0x0d, 0x0f, OP_SECURITY_INFO};
    if (op == OP_SECURITY_INFO) return r->env.chip->rom->security_bytes > 0;
    return !is_on(r, FUSE_DOWNLOAD) || memchr(left, op, sizeof left);
}

void rom_cmd_security_info(struct rom *r, struct rom_answer *a)
{
    const struct chip *c = r->env.chip;
    uint8_t info[20] = {0};
    uint8_t *purposes = info + PURPOSES_AT;
    if (is_on(r, FUSE_BOOT)) {
        info[0] |= FLAG_BOOT;
        purposes[2] = PURPOSE_DIGEST;
    }
    if (is_on(r, FUSE_DOWNLOAD)) info[0] |= FLAG_DOWNLOAD;
    if (is_on(r, FUSE_ENCRYPTION)) {
        info[COUNT_AT] = 1;
        purposes[0] = PURPOSE_FLASH;
    }
    purposes[PURPOSES - 1] = PURPOSE_LAST;
    le32_put(info + CHIP_ID_AT, c->id);
    le32_put(info + API_AT, c->api);
    a->payload = c->rom->security_bytes;
    memcpy(r->reply, info, a->payload);
}
