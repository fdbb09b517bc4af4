#include "service/flash/fields.h"

static uint32_t word(struct fields *f, uint32_t reg)
{
    uint32_t value;
    for (size_t i = 0; i < f->n; i++)
        if (f->reg[i] == reg) return f->value[i];
    f->error = rom_read_reg(f->rom, reg, &value);
    if (f->error) return 0;
    if (f->n < FIELDS_REGISTERS) {
        f->reg[f->n] = reg;
        f->value[f->n++] = value;
    }
    return value;
}

uint32_t fields_get(struct fields *f, struct chip_field at)
{
    if (!at.reg || f->error) return 0;
    return word(f, at.reg) >> at.shift & ((1U << at.bits) - 1);
}
