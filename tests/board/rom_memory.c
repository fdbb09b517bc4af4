/* rom_memory: the loader's commands on registers and memory, and what an access to nothing does to
 * it. */
#include <stdio.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/chip.h"
#include "tests/board/regs.h"
#include "tests/board/rom_core.h"
#include "tests/board/uart.h"

enum { DUMP_COLUMNS = 4, STACK_LINES = 32, STACK_WORDS = 8 };

static void print(struct rom *r, const char *text)
{
    uart_send(r->env.uart, text, strlen(text));
}

/* The form is the real one; of the values only the address is true. */
static void print_dump(struct rom *r, uint32_t address)
{
    static const char *const names[] = {
        "MEPC", "RA", "SP",      "GP",    "TP",     "T0",    "T1",     "T2",  "S0/FP", "S1",
        "A0",   "A1", "A2",      "A3",    "A4",     "A5",    "A6",     "A7",  "S2",    "S3",
        "S4",   "S5", "S6",      "S7",    "S8",     "S9",    "S10",    "S11", "T3",    "T4",
        "T5",   "T6", "MSTATUS", "MTVEC", "MCAUSE", "MTVAL", "MHARTID"};
    char text[160];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool is_address = strcmp(names[i], "MTVAL") == 0;
        snprintf(text, sizeof text, "%-8s: 0x%08x%s", names[i], is_address ? address : 0,
                 (i + 1) % DUMP_COLUMNS ? "  " : "\r\n");
        print(r, text);
    }
    print(r, "\r\n\r\nStack memory:\r\n");
    for (unsigned line = 0; line < STACK_LINES; line++) {
        int n = snprintf(text, sizeof text, "%08x:", 0x3fcde700 + line * STACK_WORDS * 4);
        for (int i = 0; i < STACK_WORDS; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, " 0x%08x", 0u);
        snprintf(text + n, sizeof text - (size_t)n, "\r\n");
        print(r, text);
    }
}

void rom_crash(struct rom *r, struct rom_answer *a, const char *cause, uint32_t address)
{
    rom_hang(r, a);
    if (!r->env.chip->rom->panics) return;
    char text[80];
    snprintf(text, sizeof text, "Guru Meditation Error: Core 0 panic'ed (%s)\r\n", cause);
    print(r, text);
    print(r, "Core 0 register dump:\r\n");
    print_dump(r, address);
}

void rom_cmd_read_reg(struct rom *r, struct rom_answer *a)
{
    r->error = 0;
    if (!regs_read(r->regs, rom_word(r, 0), &r->value))
        rom_crash(r, a, "Load access fault", rom_word(r, 0));
}

/* A body that is shorter than a group is filled up with what the buffer still holds. */
void rom_cmd_write_reg(struct rom *r, struct rom_answer *a)
{
    enum { GROUP = 16 };
    r->error = 0;
    uint32_t groups = rom_size_field(r) / GROUP;
    if (groups == 0) groups = 1;
    for (uint32_t i = 0; i < groups && ROM_HEAD + (i + 1) * GROUP <= sizeof r->rx; i++) {
        const uint8_t *g = r->rx + ROM_HEAD + (size_t)i * GROUP;
        uint32_t address = le32_get(g);
        uint32_t mask = le32_get(g + 8);
        uint32_t old = 0;
        if (!regs_read(r->regs, address, &old)) {
            rom_crash(r, a, "Load access fault", address);
            return;
        }
        uint32_t value = (old & ~mask) | (le32_get(g + 4) & mask);
        regs_write(r->regs, address, value);
        r->env.wrote(address, value, r->env.board);
    }
}

void rom_cmd_mem_begin(struct rom *r, struct rom_answer *a)
{
    if (rom_size_field(r) != 16 || rom_word(r, 2) > ROM_MAX_BLOCK) {
        rom_fail(r, a, ROM_ERR_FORMAT);
        return;
    }
    r->up = (struct rom_upload){.open = true, .at = rom_word(r, 3)};
}

void rom_cmd_mem_data(struct rom *r, struct rom_answer *a)
{
    uint32_t n = rom_word(r, 0);
    if (!r->up.open || n > ROM_MAX_BLOCK || rom_word(r, 1) != r->up.next) {
        rom_fail(r, a, ROM_ERR_FORMAT);
        return;
    }
    r->up.next++;
    if (!rom_checksum_is_right(r, n)) {
        rom_fail(r, a, ROM_ERR_CHECKSUM);
        return;
    }
    if (!regs_load(r->regs, r->up.at, r->rx + ROM_HEAD + ROM_DATA_HEAD, n))
        rom_crash(r, a, "Store access fault", r->up.at);
    r->up.at += n;
}

/* What was loaded is code for a CPU that is not here: whoever jumps into RAM that was written gets
 * the stub, whoever jumps elsewhere gets a crash. */
void rom_cmd_mem_end(struct rom *r, struct rom_answer *a)
{
    r->up.open = false;
    if (rom_word(r, 0) != 0) return; /* stay */
    uint32_t code = 0;
    regs_read(r->regs, rom_word(r, 1) & ~3u, &code);
    a->then = code ? THEN_STUB : THEN_DIE;
}
