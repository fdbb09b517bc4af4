/* rom_security: what the loader says of its fuses, and which commands they leave. */
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/chip.h"
#include "tests/board/rom_core.h"

enum { OP_SECURITY_INFO = 0x14, PURPOSES_AT = 5, PURPOSES = 7, CHIP_ID_AT = 12, API_AT = 16 };
enum { LAST_PURPOSE = 12 }; /* as every chip that was asked has shown it */

bool rom_serves(const struct rom *r, uint8_t op)
{
    return op != OP_SECURITY_INFO || r->env.chip->rom->security_bytes > 0;
}

void rom_cmd_security_info(struct rom *r, struct rom_answer *a)
{
    const struct chip *c = r->env.chip;
    uint8_t info[20] = {0};
    info[PURPOSES_AT + PURPOSES - 1] = LAST_PURPOSE;
    le32_put(info + CHIP_ID_AT, c->id);
    le32_put(info + API_AT, c->api);
    a->payload = c->rom->security_bytes;
    memcpy(r->reply, info, a->payload);
}
