/* rom: the loader's frame handling and its commands that are not about flash.
 *
 * The ROM keeps three things from answer to answer and never clears them, which hosts can see: the
 * value word (last register read, or the first word of a SYNC), the error byte (second status byte)
 * and the reply buffer (so a failed MD5 shows the last digest, and the two bytes behind the status
 * are whatever lay there). They are modelled as what they are, three variables.
 *
 * A command that takes time (erase, program, a late-reply fault) is carried out at once, and its
 * answer is held back; bytes that come meanwhile wait in the inbox. */
#include "tests/board/rom.h"

#include <stdlib.h>
#include <string.h>

#include "tests/board/board.h"
#include "tests/board/bytes.h"
#include "tests/board/chip.h"
#include "tests/board/fault.h"
#include "tests/board/flash.h"
#include "tests/board/loop.h"
#include "tests/board/regs.h"
#include "tests/board/rom_core.h"
#include "tests/board/uart.h"

enum { OP_SYNC = 0x08, SYNC_ANSWERS = 8, CHECKSUM_SEED = 0xef, INBOX_LIMIT = 1 << 18 };
enum { DEFAULT_FLASH_BYTES = 2 << 20, ROM_BAUD = 115200, AUTOBAUD_MAX = 230400 };
enum { ROM_FRAME_LIMIT = ROM_HEAD + ROM_DATA_HEAD + ROM_MAX_BLOCK + 0x400 };
#define NS_PER_MS 1000000ULL

uint32_t rom_word(const struct rom *r, int i)
{
    return le32_get(r->rx + ROM_HEAD + (ptrdiff_t)4 * i);
}

uint32_t rom_size_field(const struct rom *r)
{
    return (uint32_t)r->rx[2] | (uint32_t)r->rx[3] << 8;
}

void rom_fail(struct rom *r, struct rom_answer *a, uint8_t code)
{
    a->failed = true;
    r->error = code;
}

bool rom_checksum_is_right(const struct rom *r, uint32_t n)
{
    uint8_t sum = CHECKSUM_SEED;
    for (uint32_t i = 0; i < n; i++)
        sum ^= r->rx[ROM_HEAD + ROM_DATA_HEAD + i];
    return sum == r->rx[4]; /* of the 32-bit field only the low byte is looked at */
}

void rom_send_frame(struct rom *r, const uint8_t *data, size_t n)
{
    uint8_t wire[2 * ROM_REPLY_MAX + 2];
    size_t len = slip_frame(wire, data, n);
    lane_push(&r->out, wire, len, INBOX_LIMIT, 0);
}

static uint32_t crystal_hz(const struct rom *r)
{
    return r->env.options->crystal_mhz * 1000000u;
}

/* What the UART really does when the ROM sets it up for @p wanted: its divider is made for the
 * crystal that it believes in. */
static uint32_t rom_speed(const struct rom *r, uint32_t wanted)
{
    uint8_t believed = r->env.chip->rom_mhz ? r->env.chip->rom_mhz : r->env.options->crystal_mhz;
    return (uint32_t)((uint64_t)wanted * r->env.options->crystal_mhz / believed);
}

uint32_t rom_baud(const struct rom *r)
{
    return rom_speed(r, ROM_BAUD);
}

static void set_divider(struct rom *r, uint32_t baud)
{
    regs_write(r->regs, r->env.chip->clkdiv_reg, crystal_hz(r) / baud);
}

/* The stub goes by what the speed was before, and is right. */
static void change_speed(struct rom *r)
{
    uint32_t baud = r->mode == MODE_STUB ? r->new_baud : rom_speed(r, r->new_baud);
    uart_set_baud(r->env.uart, baud);
    if (baud) set_divider(r, baud);
}

static void cmd_sync(struct rom *r, struct rom_answer *a)
{
    (void)a;
    r->value = rom_word(r, 0);
    r->error = 0;
    uint32_t baud = uart_baud(r->env.uart);
    uart_set_baud(r->env.uart, baud); /* the speed is known now */
    if (baud != ROM_BAUD) set_divider(r, baud);
}

void rom_hang(struct rom *r, struct rom_answer *a)
{
    a->mute = true;
    r->mode = MODE_DEAD;
}

/* That this and a change of speed clear the error byte was seen on the ESP32-C3 only. */
static void cmd_spi_attach(struct rom *r, struct rom_answer *a)
{
    (void)a;
    r->error = 0;
}

static void cmd_spi_set_params(struct rom *r, struct rom_answer *a)
{
    if (rom_size_field(r) != 24)
        rom_fail(r, a, ROM_ERR_FORMAT);
    else
        r->flash_bytes = rom_word(r, 1);
}

static void cmd_change_baud(struct rom *r, struct rom_answer *a)
{
    r->error = 0;
    r->new_baud = rom_word(r, 0);
    a->empty_frame = true;
    if (r->new_baud)
        a->then = THEN_BAUD;
    else if (r->env.chip->rom->divides_by_zero)
        a->then = THEN_DIE;
}

static const struct rom_command loader_commands[] = {
    {0x02, rom_cmd_flash_begin},
    {0x03, rom_cmd_flash_data},
    {0x04, rom_cmd_flash_end},
    {0x05, rom_cmd_mem_begin},
    {0x06, rom_cmd_mem_end},
    {0x07, rom_cmd_mem_data},
    {OP_SYNC, cmd_sync},
    {0x09, rom_cmd_write_reg},
    {0x0a, rom_cmd_read_reg},
    {0x0b, cmd_spi_set_params},
    {0x0d, cmd_spi_attach},
    {0x0e, rom_cmd_read_slow},
    {0x0f, cmd_change_baud},
    {0x10, rom_cmd_defl_begin},
    {0x11, rom_cmd_defl_data},
    {0x12, rom_cmd_defl_end},
    {0x13, rom_cmd_md5},
    {0x14, rom_cmd_security_info},
    {0, NULL},
};

static const struct rom_command *find_command(const struct rom *r, uint8_t op)
{
    const struct rom_command *c = r->mode == MODE_STUB ? rom_stub_commands : loader_commands;
    while (c->fn && c->op != op)
        c++;
    return c->fn && rom_serves(r, op) ? c : NULL;
}

/* A frame that does not fit the buffer: the ESP32 refuses it, the later chips run what fits. */
static bool is_whole(const struct rom *r)
{
    if (r->mode == MODE_STUB) return !r->slip.overflow;
    bool fits = !r->slip.overflow && r->slip.len <= ROM_FRAME_LIMIT;
    return fits || r->env.chip->rom->runs_long_frames;
}

static void loader_reply(struct rom *r, const struct rom_answer *a)
{
    uint8_t frame[ROM_HEAD + ROM_PAYLOAD + 4];
    size_t n = a->payload + 4;
    r->reply[a->payload] = a->failed;
    r->reply[a->payload + 1] = r->error;
    frame[0] = 0x01;
    frame[1] = r->op;
    frame[2] = (uint8_t)n;
    frame[3] = 0;
    le32_put(frame + 4, r->value);
    memcpy(frame + ROM_HEAD, r->reply, n);
    /* The ROM repeats whatever carries the opcode of SYNC, also the refusal of what came after. */
    for (int i = r->op == OP_SYNC ? SYNC_ANSWERS : 1; i > 0; i--)
        rom_send_frame(r, frame, ROM_HEAD + n);
    if (a->empty_frame) {
        static const uint8_t delimiters[2] = {0xc0, 0xc0};
        lane_push(&r->out, delimiters, sizeof delimiters, INBOX_LIMIT, 0);
    }
}

static void work(struct rom *r);

/* FLASH_END 1. The ESP32 goes on to the program in flash, and to the prompt without one; the later
 * chips have none to go to, and fall off the end of their code. */
static void leave_loader(struct rom *r)
{
    static const char done[] = "user code done\r\n";
    if (!r->env.chip->rom->end_runs_flash) {
        uart_send(r->env.uart, done, sizeof done - 1);
        rom_crash(r, &r->answer, "Instruction access fault", 0);
        return;
    }
    r->mode = MODE_OFF;
    if (r->env.run_flash(r->env.board)) return;
    rom_basic_start(r);
    work(r);
}

/* The answer has left: now comes what the command said would follow. */
static void after_answer(void *arg)
{
    struct rom *r = arg;
    enum rom_then then = r->answer.then;
    r->answer.then = THEN_NOTHING;
    r->busy = false;
    switch (then) {
    case THEN_NOTHING:
        break;
    case THEN_RESTART:
        r->mode = MODE_DEAD;
        r->env.restart(r->env.board);
        return;
    case THEN_RUN_FLASH:
        leave_loader(r);
        return;
    case THEN_BAUD:
        change_speed(r);
        break;
    case THEN_STUB:
        r->mode = MODE_STUB;
        r->stub_error = 0;
        r->flash_bytes = flash_size(r->env.flash);
        rom_sessions_end(r);
        rom_send_frame(r, (const uint8_t *)"OHAI", 4);
        uart_send(r->env.uart, r->out.data + r->out.head, r->out.len);
        lane_clear(&r->out);
        break;
    case THEN_DIE:
        r->mode = MODE_DEAD;
        return;
    }
    work(r);
}

static void send_answer(struct rom *r)
{
    if (r->out.len > 0) uart_send(r->env.uart, r->out.data + r->out.head, r->out.len);
    lane_clear(&r->out);
    if (r->answer.after_ns > 0) {
        timer_arm(r->timer, r->answer.after_ns);
        r->answer.after_ns = 0;
    } else if (r->answer.then != THEN_NOTHING) {
        uart_when_sent(r->env.uart, after_answer, r);
    } else {
        after_answer(r);
    }
}

static void on_timer(void *arg)
{
    send_answer(arg);
}

static void execute(struct rom *r)
{
    const bool stub = r->mode == MODE_STUB;
    struct rom_answer a = {0};
    if (stub && rom_stub_acknowledge(r)) {
        a.mute = r->out.len == 0;
    } else {
        const struct rom_command *c = find_command(r, r->rx[1]);
        if (c && is_whole(r) && r->rx[0] == 0) {
            r->op = c->op;
            c->fn(r, &a);
        } else if (stub) {
            r->op = r->rx[1];
            a.stub_code = 0xff;
        } else {
            rom_fail(r, &a, ROM_ERR_FORMAT); /* under the opcode of the command before */
        }
        if (a.mute) return;
        if (stub)
            rom_stub_reply(r, &a);
        else
            loader_reply(r, &a);
    }
    r->busy = true;
    r->answer = a;
    uint64_t late_ms = 0;
    faults_number(r->env.faults, FAULT_LATE_REPLY, 0, &late_ms);
    uint64_t wait = a.before_ns + late_ms * NS_PER_MS;
    if (wait > 0)
        timer_arm(r->timer, wait);
    else
        send_answer(r);
}

static void work(struct rom *r)
{
    if (r->working) return; /* a command ended at once: the loop below goes on */
    r->working = true;
    while (!r->busy && r->inbox.len > 0) {
        uint8_t byte = r->inbox.data[r->inbox.head];
        lane_pop(&r->inbox, 1, 0);
        if (r->mode == MODE_BASIC)
            rom_basic_byte(r, byte);
        else if ((r->mode == MODE_LOADER || r->mode == MODE_STUB) && slip_feed(&r->slip, byte))
            execute(r);
    }
    r->working = false;
}

void rom_bytes(struct rom *r, const uint8_t *data, size_t n)
{
    lane_push(&r->inbox, data, n, INBOX_LIMIT, 0);
    work(r);
}

void rom_start(struct rom *r, uint32_t straps)
{
    rom_stop(r);
    r->mode = regs_reset(r->regs) ? MODE_LOADER : MODE_DEAD;
    regs_write(r->regs, r->env.chip->strap_reg, straps);
    const struct chip_word *port = &r->env.chip->usb_port;
    if (r->env.options->usb_jtag && port->address) regs_write(r->regs, port->address, port->value);
    r->slip = (struct slip){.buf = r->rx, .cap = sizeof r->rx};
    r->op = 0;
    r->value = 0;
    r->error = 0;
    memset(r->reply, 0, sizeof r->reply);
    r->flash_bytes = DEFAULT_FLASH_BYTES;
    r->md5_count = 0;
    r->up.open = false;
    rom_sessions_start(r);
    uart_set_baud(r->env.uart, rom_baud(r));
    uart_autobaud(r->env.uart, r->env.chip->autobaud_min, AUTOBAUD_MAX);
}

void rom_stop(struct rom *r)
{
    r->mode = MODE_OFF;
    r->busy = false;
    r->read.active = false;
    timer_stop(r->timer);
    lane_clear(&r->inbox);
    lane_clear(&r->out);
    rom_sessions_end(r);
}

struct rom *rom_new(const struct rom_env *env)
{
    struct rom *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->env = *env;
    r->timer = timer_new(env->loop, on_timer, r);
    r->regs = regs_new(env->chip, env->options, env->flash);
    if (!r->timer || !r->regs) {
        rom_free(r);
        return NULL;
    }
    return r;
}

void rom_free(struct rom *r)
{
    if (!r) return;
    rom_sessions_end(r);
    timer_free(r->timer);
    regs_free(r->regs);
    lane_dispose(&r->inbox);
    lane_dispose(&r->out);
    free(r);
}
