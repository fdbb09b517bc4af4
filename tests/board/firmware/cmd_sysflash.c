/* AT+SYSFLASH: raw access to the partitions of the second table, with the real command's habits:
 * the range of a write is judged before the prompt, but told only by an error code; the data is
 * taken all the same, and there is no time limit for it. */
#include <stdio.h>
#include <string.h>

#include "tests/board/firmware/commands.h"
#include "tests/board/firmware/firmware.h"

enum {
    ERR_NO_PARTITION = AT_ERR_EXECUTE + 0,
    ERR_RANGE = AT_ERR_EXECUTE + 1,
    ERR_ERASE = AT_ERR_EXECUTE + 2,
    ERR_FLASH = AT_ERR_EXECUTE + 3,
};
enum { OP_ERASE, OP_WRITE, OP_READ };

void cmd_sysflash_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    for (size_t i = 0; i < fw->user.count; i++) {
        const struct partition *p = &fw->user.v[i];
        at_print(fw, "+SYSFLASH:\"%s\",%u,%u,0x%x,0x%x\r\n", p->name, p->type, p->subtype,
                 (unsigned)p->at, (unsigned)p->size);
    }
    at_ok(fw);
}

static bool in_range(const struct sysflash *s)
{
    return s->offset <= s->partition->size && s->length <= s->partition->size - s->offset;
}

static void erased(struct firmware *fw)
{
    const struct sysflash *s = &fw->sysflash;
    if (flash_erase(fw->env.flash, s->partition->at + s->offset, s->length))
        at_ok(fw);
    else
        at_error(fw, ERR_ERASE);
}

static void erase(struct firmware *fw)
{
    struct sysflash *s = &fw->sysflash;
    if (s->offset % FLASH_SECTOR_BYTES || s->length % FLASH_SECTOR_BYTES) {
        at_error(fw, ERR_RANGE);
    } else if (!in_range(s)) {
        at_error(fw, ERR_ERASE);
    } else {
        uint32_t at = s->partition->at + s->offset;
        at_later(fw, flash_erase_ns(fw->env.flash, at, s->length), erased);
    }
}

static void written(struct firmware *fw)
{
    const struct sysflash *s = &fw->sysflash;
    const struct flash *f = fw->env.flash;
    uint32_t at = s->partition->at + s->offset;
    /* Bytes that were not erased are not an error here: the AND of old and new is what is stored.
     */
    bool on_chip = at <= flash_size(f) && s->length <= flash_size(f) - at;
    if (!in_range(s) || !on_chip) {
        at_error(fw, ERR_FLASH);
        return;
    }
    flash_program(fw->env.flash, at, fw->at.data, s->length);
    at_ok(fw);
}

static void data_complete(struct firmware *fw, uint8_t *data, size_t n)
{
    (void)data;
    at_later(fw, flash_program_ns(fw->env.flash, n), written);
}

static void write_prompt(struct firmware *fw)
{
    struct sysflash *s = &fw->sysflash;
    if (!in_range(s)) at_code(fw, ERR_RANGE);
    if (s->length && !at_collect(fw, s->length, data_complete)) {
        at_error(fw, ERR_ERASE);
        return;
    }
    at_print(fw, ">");
    if (!s->length) at_ok(fw);
}

static void read_out(struct firmware *fw)
{
    const struct sysflash *s = &fw->sysflash;
    const struct flash *f = fw->env.flash;
    uint32_t at = s->partition->at + s->offset;
    bool on_chip = at <= flash_size(f) && s->length <= flash_size(f) - at;
    if (!in_range(s) || !on_chip) {
        at_code(fw, ERR_RANGE);
        at_error(fw, ERR_FLASH);
        return;
    }
    at_print(fw, "+SYSFLASH:%u,", (unsigned)s->length);
    at_send(fw, flash_bytes(f) + at, s->length);
    at_ok(fw);
}

/* Offset and length: both, or (for an erase) none of them. */
static bool read_range(struct firmware *fw, const struct at_args *a, long op)
{
    struct sysflash *s = &fw->sysflash;
    if (op == OP_ERASE && a->count == 2) {
        s->offset = 0;
        s->length = s->partition->size;
        return true;
    }
    long offset, length;
    if (!at_int(fw, a, 2, &offset) || !at_int(fw, a, 3, &length)) return false;
    if (offset < 0 || length < 0 || a->count != 4) return false;
    s->offset = (uint32_t)offset;
    s->length = (uint32_t)length;
    return true;
}

void cmd_sysflash_set(struct firmware *fw, const struct at_args *a)
{
    long op;
    char name[32];
    if (!at_int(fw, a, 0, &op) || op < OP_ERASE || op > OP_READ ||
        !at_str(fw, a, 1, name, sizeof name)) {
        at_error(fw, 0);
        return;
    }
    fw->sysflash.partition = partition_named(&fw->user, name);
    if (!fw->sysflash.partition) {
        at_error(fw, ERR_NO_PARTITION);
        return;
    }
    if (!read_range(fw, a, op)) {
        at_error(fw, 0);
        return;
    }
    if (op == OP_ERASE)
        erase(fw);
    else if (op == OP_WRITE)
        write_prompt(fw);
    else
        read_out(fw);
}
