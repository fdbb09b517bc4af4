/* What writing one credential costs through the ROM loader: three images of 1232, 1688 and 1200
 * bytes, each the whole of an 8 KiB partition, at 115200 baud on a simulated board whose wire and
 * flash take their time.
 *
 * bench_flash write     bytes and commands of the whole (connect, attach, write, verify), and the
 *                       wall time of the write against the least it could take: each byte's time on
 *                       the wire (the two directions never overlap) and the flash's own
 * bench_flash parallel  the same on eight boards at once against one
 * Without an argument both. One JSON line each. */
#include "service/flash/flasher.h"

#include <pthread.h>

#include "service/port/port_serial.h"
#include "tests/unit/flash/board_process.h"

enum { IMAGES = 3, PARTITION = 0x2000, FIRST = 0x34000, BAUD = 115200, RUNS = 5, BOARDS = 8 };

/* The simulated flash's times, which are those of data sheets. */
static const double sector_ms = 45, page_ms = 0.5;
static const size_t sizes[IMAGES] = {1232, 1688, 1200};
static uint8_t image[IMAGES][2048];

struct result {
    uint64_t bytes_out, bytes_in; /* of all, without the boot text */
    uint64_t write_bytes;         /* of the write alone, both ways */
    unsigned commands;
    double connect_ms, write_ms;
};

struct worker {
    pthread_t thread;
    struct board_process board;
    pthread_barrier_t *start; /* NULL: alone */
    struct result result;
    enum err error;
    char why[600];
};

static double ms_since(int64_t start)
{
    return (double)(deadline_now_ns() - start) / 1e6;
}

static enum err write_images(struct flasher *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < IMAGES && !e; i++) {
        const struct flasher_region r = {.offset = FIRST + (uint32_t)i * PARTITION,
                                         .erase_bytes = PARTITION,
                                         .data = image[i],
                                         .n = sizes[i]};
        e = flasher_write(f, &r, deadline_in_ms(60000), NULL, NULL);
    }
    return e;
}

/* The boot text comes before the first frame is sent; it is no part of the protocol. */
static void count(enum port_direction dir, const uint8_t *data, size_t n, void *arg)
{
    struct result *r = arg;
    (void)data;
    if (dir == PORT_TO_BOARD)
        r->bytes_out += n;
    else if (r->bytes_out)
        r->bytes_in += n;
}

static enum err run_on(struct port *port, pthread_barrier_t *start, struct result *r)
{
    const struct flasher_options options = {.reset = {.kind = RESET_AUTO}, .connect_baud = BAUD};
    struct flasher *f;
    *r = (struct result){0};
    port->tap = count;
    port->tap_arg = r;
    enum err e = flasher_new(port, &options, &f);
    if (e) return e;
    int64_t begun = deadline_now_ns();
    e = flasher_connect(f, deadline_in_ms(30000));
    /* Who it is and what it allows is asked once a board, and is no part of a write. */
    port->tap = NULL;
    if (!e) e = flasher_read_mac(f);
    port->tap = count;
    if (!e) e = flasher_attach(f, 0);
    r->connect_ms = ms_since(begun);
    if (start) pthread_barrier_wait(start);
    uint64_t before = r->bytes_out + r->bytes_in;
    begun = deadline_now_ns();
    if (!e) e = write_images(f);
    r->write_ms = ms_since(begun);
    r->write_bytes = r->bytes_out + r->bytes_in - before;
    r->commands = flasher_commands(f);
    enum err finish = flasher_finish(f);
    flasher_free(f);
    return e ? e : finish;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct port *port = NULL;
    w->error = port_serial_open(w->board.download, BAUD, &port);
    if (w->error && w->start) pthread_barrier_wait(w->start);
    if (!w->error) w->error = run_on(port, w->start, &w->result);
    if (w->error) snprintf(w->why, sizeof w->why, "%s", err_last()->detail);
    port_close(port);
    return NULL;
}

static void check(const struct worker *w)
{
    if (!w->error) {
        for (size_t i = 0; i < IMAGES; i++)
            if (memcmp(w->board.flash + FIRST + i * PARTITION, image[i], sizes[i]) != 0)
                board_die("the flash is wrong");
        return;
    }
    fprintf(stderr, "bench_flash: %s\n", w->why);
    exit(1);
}

static void start_board(struct worker *w)
{
    static const char *const more[] = {"--pace", "full", NULL};
    board_start(&w->board, true, more);
}

static int by_write_ms(const void *a, const void *b)
{
    const struct result *x = a, *y = b;
    return (x->write_ms > y->write_ms) - (x->write_ms < y->write_ms);
}

/* The median of a few runs on one board. */
static struct result measure_one(void)
{
    struct worker w = {0};
    struct result all[RUNS];
    start_board(&w);
    for (size_t i = 0; i < RUNS; i++) {
        work(&w);
        check(&w);
        all[i] = w.result;
    }
    board_stop(&w.board);
    qsort(all, RUNS, sizeof all[0], by_write_ms);
    return all[RUNS / 2];
}

static double flash_ms(void)
{
    double ms = 0;
    for (size_t i = 0; i < IMAGES; i++)
        ms += PARTITION / 4096 * sector_ms + (double)((sizes[i] + 255) / 256) * page_ms;
    return ms;
}

static void bench_write(void)
{
    struct result r = measure_one();
    double wire_ms = (double)r.write_bytes * 10 * 1000 / BAUD;
    printf("{\"bench\":\"flash_write\",\"bytes_out\":%llu,\"bytes_in\":%llu,\"commands\":%u,"
           "\"connect_ms\":%.1f,\"write_ms\":%.1f,\"wire_ms\":%.1f,\"flash_ms\":%.1f,"
           "\"ratio\":%.3f,\"budget_ratio\":1.15}\n",
           (unsigned long long)r.bytes_out, (unsigned long long)r.bytes_in, r.commands,
           r.connect_ms, r.write_ms, wire_ms, flash_ms(), r.write_ms / (wire_ms + flash_ms()));
}

static void bench_parallel(void)
{
    static struct worker w[BOARDS];
    pthread_barrier_t start;
    double one_ms = measure_one().write_ms, all_ms = 0;
    pthread_barrier_init(&start, NULL, BOARDS);
    for (size_t i = 0; i < BOARDS; i++) {
        start_board(&w[i]);
        w[i].start = &start;
    }
    for (size_t i = 0; i < BOARDS; i++)
        if (pthread_create(&w[i].thread, NULL, work, &w[i])) board_die("thread");
    for (size_t i = 0; i < BOARDS; i++)
        pthread_join(w[i].thread, NULL);
    for (size_t i = 0; i < BOARDS; i++) {
        check(&w[i]);
        if (w[i].result.write_ms > all_ms) all_ms = w[i].result.write_ms;
        board_stop(&w[i].board);
    }
    pthread_barrier_destroy(&start);
    printf("{\"bench\":\"flash_parallel\",\"boards\":%d,\"one_ms\":%.1f,\"all_ms\":%.1f,"
           "\"ratio\":%.3f,\"budget_ratio\":1.15}\n",
           BOARDS, one_ms, all_ms, all_ms / one_ms);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    board_preload_shim(argv);
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t k = 0; k < sizes[i]; k++) /* text, as PEM is: nothing to escape */
            image[i][k] = (uint8_t)('A' + (i * 31 + k * k) % 57);
    if (strcmp(what, "parallel") != 0) bench_write();
    if (strcmp(what, "write") != 0) bench_parallel();
    board_remove_lines();
    return 0;
}
