/* What writing a whole factory image costs, at library level: 4 MiB to a simulated board whose wire
 * takes its time, at 921600 baud, against the least that its bytes need there once they are
 * compressed.
 *
 * bench_image write     the image as a job writes it, piece by piece, each compared before; then
 * the same once more, when all is there already bench_image read      256 KiB of it read back
 * bench_image parallel  to 32 boards at once, who share one pack
 * Without an argument all. One JSON line each. */
#include "service/firmware/pack.h"

#include <pthread.h>
#include <time.h>

#include "service/port/port_serial.h"
#include "tests/bench/factory_image.h"
#include "tests/unit/flash/board_process.h"

enum { BAUD = 115200, FLASH_BAUD = 921600, READ_BYTES = 256 * 1024, BOARDS = 32 };

struct figures {
    double wall_ms, cpu_ms, pack_ms;
    uint64_t payload; /* bytes of data that were sent, compressed or raw */
    uint64_t bytes_out, bytes_in;
    unsigned written, commands;
};

struct bench {
    struct board_process board;
    struct port *port;
    struct flasher *f;
    struct content *content;
    const struct piece *pieces;
    size_t piece_count;
    size_t warm; /* pieces before this one are in the pack */
    struct figures figures;
    pthread_t thread;
};

/* The image, as a file too, and its pack. */
static uint8_t *image;
static int image_fd;
static char pack_path[32] = "/tmp/pack-XXXXXX";

static void must(enum err e, const char *doing)
{
    if (!e) return;
    fprintf(stderr, "bench_image: %s: %s\n", doing, err_last()->detail);
    exit(1);
}

static double ms_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void make_image(void)
{
    char path[] = "/tmp/factory-XXXXXX";
    image = factory_image();
    image_fd = mkostemp(path, O_CLOEXEC);
    if (image_fd < 0 || write(image_fd, image, FACTORY_BYTES) != FACTORY_BYTES) board_die(path);
    unlink(path);
    int fd = mkostemp(pack_path, O_CLOEXEC);
    if (fd < 0) board_die(pack_path);
    close(fd);
}

static void start(struct bench *b)
{
    static const char *const more[] = {"--pace", "wire", NULL};
    const struct flasher_options options = {.connect_baud = BAUD, .flash_baud = FLASH_BAUD};
    *b = (struct bench){0};
    board_start(&b->board, true, more);
    must(content_new(&b->content), "content");
    must(content_add_file(b->content, "factory.bin", 0, FACTORY_BYTES, image_fd, 0, 0), "content");
    must(content_pieces(b->content, &b->pieces, &b->piece_count), "pieces");
    must(port_serial_open(b->board.download, BAUD, &b->port), "open");
    must(flasher_new(b->port, &options, &b->f), "flasher");
    must(flasher_connect(b->f, deadline_in_ms(30000)), "connect");
    must(flasher_read_mac(b->f), "fuses");
    must(flasher_attach(b->f, 0), "attach");
}

static void stop(struct bench *b)
{
    must(flasher_finish(b->f), "finish");
    flasher_free(b->f);
    port_close(b->port);
    content_free(b->content);
    board_stop(&b->board);
}

/* A block is on the wire: time to make the next piece ready. */
static void warm_next(size_t done, size_t total, void *arg)
{
    struct bench *b = arg;
    (void)done;
    (void)total;
    if (b->warm >= b->piece_count) return;
    pack_warm(b->content, &b->pieces[b->warm++], pack_path);
}

static void write_piece(struct bench *b, const struct piece *p, struct figures *g)
{
    struct pack_piece ready;
    bool same;
    double begun = ms_of(CLOCK_MONOTONIC);
    must(pack_load(b->content, p, pack_path, &ready), "pack");
    g->pack_ms += ms_of(CLOCK_MONOTONIC) - begun;
    const struct flasher_region *r = &ready.region;
    must(flasher_compare(b->f, r, &same), "compare");
    if (!same) {
        must(flasher_write(b->f, r, deadline_in_ms(120000), warm_next, b), "write");
        g->payload += r->packed_n + (r->n > r->packed_covers ? r->n - r->packed_covers : 0);
        g->written++;
    }
    pack_piece_dispose(&ready);
}

static struct figures write_image(struct bench *b)
{
    struct figures g = {.cpu_ms = -ms_of(CLOCK_PROCESS_CPUTIME_ID),
                        .bytes_out = b->port->bytes_out,
                        .bytes_in = b->port->bytes_in,
                        .commands = flasher_commands(b->f)};
    double begun = ms_of(CLOCK_MONOTONIC);
    for (size_t i = 0; i < b->piece_count; i++)
        write_piece(b, &b->pieces[i], &g);
    g.wall_ms = ms_of(CLOCK_MONOTONIC) - begun;
    g.cpu_ms += ms_of(CLOCK_PROCESS_CPUTIME_ID);
    g.bytes_out = b->port->bytes_out - g.bytes_out;
    g.bytes_in = b->port->bytes_in - g.bytes_in;
    g.commands = flasher_commands(b->f) - g.commands;
    if (memcmp(image, b->board.flash, FACTORY_BYTES) != 0) board_die("the flash is wrong");
    if (flasher_retries(b->f)) board_die("retries");
    return g;
}

static void show(const char *name, const struct figures *g, double least_ms, double budget)
{
    printf("{\"bench\":\"%s\",\"wall_ms\":%.0f,\"least_ms\":%.0f,\"ratio\":%.3f,"
           "\"budget_ratio\":%.2f,\"payload\":%llu,\"bytes_out\":%llu,\"bytes_in\":%llu,"
           "\"commands\":%u,\"pieces_written\":%u,\"pack_ms\":%.0f,\"cpu_ms\":%.0f}\n",
           name, g->wall_ms, least_ms, g->wall_ms / least_ms, budget,
           (unsigned long long)g->payload, (unsigned long long)g->bytes_out,
           (unsigned long long)g->bytes_in, g->commands, g->written, g->pack_ms, g->cpu_ms);
}

static void bench_write(struct bench *b)
{
    struct figures first = write_image(b);
    b->figures = first;
    show("image_write", &first, (double)first.payload * 1e4 / FLASH_BAUD, 1.10);
    struct figures again = write_image(b);
    if (again.written) board_die("the same image was written again");
    show("image_same", &again, first.wall_ms, 0.15);
}

static void bench_read(struct bench *b)
{
    uint8_t *out = calloc(1, READ_BYTES);
    if (!out) abort();
    double begun = ms_of(CLOCK_MONOTONIC);
    must(flasher_read(b->f, FACTORY_APP, out, READ_BYTES, NULL, NULL), "read");
    double ms = ms_of(CLOCK_MONOTONIC) - begun;
    if (memcmp(out, b->board.flash + FACTORY_APP, READ_BYTES) != 0) board_die("read wrong");
    free(out);
    printf("{\"bench\":\"image_read\",\"bytes\":%d,\"wall_ms\":%.0f,\"kib_per_s\":%.1f}\n",
           READ_BYTES, ms, READ_BYTES / 1.024 / ms);
}

static void *write_on_thread(void *arg)
{
    struct bench *b = arg;
    b->figures = write_image(b);
    return NULL;
}

static void bench_parallel(double one_ms)
{
    static struct bench all[BOARDS];
    double slowest_ms = 0, cpu_ms = -ms_of(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < BOARDS; i++)
        start(&all[i]);
    for (size_t i = 0; i < BOARDS; i++)
        if (pthread_create(&all[i].thread, NULL, write_on_thread, &all[i])) board_die("thread");
    for (size_t i = 0; i < BOARDS; i++) {
        pthread_join(all[i].thread, NULL);
        if (all[i].figures.wall_ms > slowest_ms) slowest_ms = all[i].figures.wall_ms;
    }
    cpu_ms += ms_of(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < BOARDS; i++)
        stop(&all[i]);
    printf("{\"bench\":\"image_parallel\",\"boards\":%d,\"one_ms\":%.0f,\"slowest_ms\":%.0f,"
           "\"ratio\":%.3f,\"budget_ratio\":1.15,\"cpu_ms\":%.0f}\n",
           BOARDS, one_ms, slowest_ms, slowest_ms / one_ms, cpu_ms);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    static struct bench b;
    board_preload_shim(argv);
    make_image();
    start(&b);
    if (strcmp(what, "read") != 0) bench_write(&b);
    if (!*what || !strcmp(what, "read")) bench_read(&b);
    stop(&b);
    if (!*what || !strcmp(what, "parallel")) bench_parallel(b.figures.wall_ms);
    free(image);
    close(image_fd);
    unlink(pack_path);
    board_remove_lines();
    return 0;
}
