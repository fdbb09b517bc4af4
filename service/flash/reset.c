/* DTR pulls the boot pin and RTS pulls EN, through two transistors: both asserted or both released
 * pull nothing. Tight changes both lines at the same moment, as that circuit wants it; classic goes
 * through "both asserted", which boards need whose pins are wired to the lines directly. Boards
 * whose EN rises slowly (no capacitor fits all) need the boot pin held longer. */
#include "service/flash/reset.h"

#include <string.h>

enum { EN_LOW_MS = 100, BOOT_HOLD_MS = 50, BOOT_HOLD_SLOW_MS = 550 };

struct step {
    bool dtr, rts;
    int ms; /* waited afterwards */
};

static const char *const names[] = {
    [RESET_AUTO] = "auto",
    [RESET_TIGHT] = "tight",
    [RESET_CLASSIC] = "classic",
    [RESET_NONE] = "none",
};

enum err reset_kind_parse(const char *name, enum reset_kind *kind_out)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *kind_out = (enum reset_kind)i;
        return ERR_OK;
    }
    return err_set(ERR_ARG, "unknown reset \"%.40s\": auto, tight, classic or none", name);
}

const char *reset_kind_name(enum reset_kind k)
{
    return names[k];
}

/* Whatever happens, no line stays pulled: a board held in reset looks dead. */
static enum err run(struct port *p, const struct step *steps, size_t n)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && !e; i++) {
        e = port_set_lines(p, steps[i].dtr, steps[i].rts);
        if (!e && steps[i].ms) e = port_pause(p, steps[i].ms);
    }
    if (!e) return port_set_lines(p, false, false);
    struct err_info why = *err_last();
    port_set_lines(p, false, false);
    return err_restore(&why);
}

enum err reset_to_download(struct port *p, enum reset_kind kind, int attempt)
{
    if (kind == RESET_NONE) return ERR_OK;
    bool tight = kind == RESET_TIGHT || (kind == RESET_AUTO && attempt % 2 == 0);
    bool slow = kind == RESET_AUTO ? attempt % 4 >= 2 : attempt % 2 == 1;
    int hold = slow ? BOOT_HOLD_SLOW_MS : BOOT_HOLD_MS;
    const struct step tight_steps[] = {
        {false, false, 0}, {true, true, 0}, {false, true, EN_LOW_MS}, {true, false, hold}};
    const struct step classic_steps[] = {
        {false, true, EN_LOW_MS}, {true, true, 0}, {true, false, hold}};
    return tight ? run(p, tight_steps, 4) : run(p, classic_steps, 3);
}

enum err reset_to_run(struct port *p, enum reset_kind kind)
{
    if (kind == RESET_NONE) return ERR_OK;
    static const struct step steps[] = {{false, true, EN_LOW_MS}};
    return run(p, steps, 1);
}
