/* A word of the ROM's own code tells most chips, at the cost of one read, and without asking an
 * ESP32 for what it does not know. Where that word is new, or where reading is forbidden, the chip
 * says its id with its security state; only the S2 answers without one, so that a short answer is
 * the S2's. */
#include "service/flash/detect.h"

#include <stdio.h>

static const uint32_t magic_word = 0x40001000;

/* A damaged frame is refused just like an unknown command: only a second refusal counts. */
static enum err read_magic(struct rom *r, uint32_t *magic_out)
{
    enum err e = rom_read_reg(r, magic_word, magic_out);
    return rom_is_unsupported(r, e) ? rom_read_reg(r, magic_word, magic_out) : e;
}

enum err detect_chip(struct rom *r, struct flasher_board *b)
{
    uint32_t magic;
    struct rom_security_info info;
    enum err e = read_magic(r, &magic);
    bool refused = rom_is_unsupported(r, e);
    b->chip = NULL;
    b->security.secure_download = refused;
    if (e && !refused) return e;
    if (!e) b->chip = chip_by_magic(magic);
    if (b->chip) return ERR_OK;
    e = rom_security_info(r, &info);
    if (e && !rom_is_unsupported(r, e)) return e;
    if (!e) b->chip = chip_by_info(info.bytes, info.chip_id);
    if (b->chip) return ERR_OK;
    char id[24] = "";
    if (!e) snprintf(id, sizeof id, ", id %u", (unsigned)info.chip_id);
    return err_fail(ERR_PROTOCOL, "chip_unknown",
                    "It is newer than this version of espgate, or the line is noisy: try a shorter "
                    "cable.",
                    "the board on %s has a chip that is not known (0x%08x%s)", r->port->name,
                    (unsigned)magic, id);
}
