/* Large regions, compressed and raw: what is written, what is left alone, what a bad wire does to
 * it, and how fast it goes. */
#include "service/flash/rom.h"
#include "tests/unit/flash/flasher_bench.h"

enum {
    AT = 0x120000,
    WINDOWS = 2,
    COVERS = WINDOWS * FLASHER_WINDOW,
    N = COVERS + 0x2a00 + 3, /* two windows, two raw blocks and a bit */
    ERASE = COVERS + 0x6000,
    FRAMES = 200,
};

static const struct flasher_options fast = {.reset = {.kind = RESET_AUTO}, .flash_baud = 921600};

static uint8_t data[N], packed[N];
static size_t packed_n;

/* Some of it compresses, as firmware does. */
static void fill_data(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < N; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = i % 7 < 4 ? (uint8_t)(x >> 24) : (uint8_t)(i >> 4);
    }
}

static size_t compress_data(size_t n, int flush, uint8_t *out, size_t cap)
{
    z_stream z = {0};
    assert_int_equal(deflateInit(&z, 6), Z_OK);
    z.next_in = data;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    int rc = deflate(&z, flush);
    assert_true(rc == Z_OK || rc == Z_STREAM_END);
    size_t made = cap - z.avail_out;
    deflateEnd(&z);
    return made;
}

static struct flasher_region region(void)
{
    return (struct flasher_region){.offset = AT,
                                   .erase_bytes = ERASE,
                                   .data = data,
                                   .n = N,
                                   .packed = packed,
                                   .packed_n = packed_n,
                                   .packed_covers = COVERS};
}

static void expect_region(void)
{
    memset(b.want + AT, 0xff, ERASE);
    memcpy(b.want + AT, data, N);
}

static enum err write_region(const struct flasher_region *r)
{
    return flasher_write(b.f, r, deadline_in_ms(600000), NULL, NULL);
}

static int set_up(void **state)
{
    (void)state;
    bench_start(&fast);
    assert_int_equal(bench_connect(), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bench_stop();
    return 0;
}

/* ---- what is written ---- */

static void progress(size_t done, size_t total, void *arg)
{
    size_t *last = arg;
    assert_true(done > *last && done <= total && total == N);
    *last = done;
}

static void windows_go_packed_and_the_rest_raw(void **state)
{
    (void)state;
    struct flasher_region r = region();
    size_t done = 0;
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), progress, &done), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(done, N);
    assert_int_equal(b.m->begins, 2);
    assert_int_equal(b.m->deflates, 1);
    assert_int_equal(b.m->datas, (packed_n + 4095) / 4096 + 3);
    assert_int_equal(b.m->ends, 0);
    assert_int_equal(flasher_retries(b.f), 0);
    assert_int_equal(flasher_baud(b.f), 921600);
    bench_board_is_left_running();
}

static void the_erased_end_of_a_region_may_go_packed_too(void **state)
{
    (void)state;
    struct flasher_region r = region();
    r.n = FLASHER_WINDOW + 100;
    static uint8_t copy[N];
    memcpy(copy, data, N);
    memset(data + r.n, 0xff, COVERS - r.n);
    uint8_t small[N];
    r.packed = small;
    r.packed_n = compress_data(COVERS, Z_SYNC_FLUSH, small, sizeof small);
    enum err e = write_region(&r);
    memcpy(data, copy, N);
    assert_int_equal(e, ERR_OK);
    memset(b.want + AT, 0xff, ERASE);
    memcpy(b.want + AT, data, r.n);
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->begins, 2); /* the second erases what no window covers */
}

static void a_region_without_data_is_erased(void **state)
{
    (void)state;
    struct flasher_region r = {.offset = AT, .erase_bytes = ERASE};
    assert_int_equal(write_region(&r), ERR_OK);
    memset(b.want + AT, 0xff, ERASE);
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->begins, 1);
    assert_int_equal(b.m->datas, 0);
    assert_int_equal(flasher_baud(b.f), 115200); /* nothing to hurry for */
}

static void what_is_not_whole_windows_is_refused(void **state)
{
    (void)state;
    struct flasher_region r = region();
    r.packed_covers = COVERS - 1;
    assert_int_equal(write_region(&r), ERR_ARG);
    r.packed_covers = COVERS + FLASHER_WINDOW; /* more than is erased */
    assert_int_equal(write_region(&r), ERR_ARG);
    r = region();
    r.packed_n = 0;
    assert_int_equal(write_region(&r), ERR_ARG);
    assert_int_equal(b.m->begins, 0);
}

/* The model itself: a stream that ends destroys what lies behind, with every answer saying that all
 * is well; and so the tests above would notice a recipe that is wrong. */
static void a_stream_that_ends_would_destroy_what_lies_behind(void **state)
{
    (void)state;
    static uint8_t ended[N];
    struct flasher_region r = region();
    r.n = r.erase_bytes = COVERS;
    r.packed = ended;
    r.packed_n = compress_data(COVERS, Z_FINISH, ended, sizeof ended);
    assert_int_equal(write_region(&r), ERR_OK);
    memcpy(b.want + AT, data, COVERS);
    assert_memory_equal(b.m->flash + AT, data, COVERS);
    assert_false(bench_flash_is_right());
}

/* And a count that is not one too many leaves the last window unwritten. */
static void an_exact_count_would_lose_the_last_window(void **state)
{
    (void)state;
    struct rom rom;
    uint32_t blocks = (uint32_t)((packed_n + 4095) / 4096);
    enum err e = ERR_OK;
    rom_init(&rom, &b.m->port);
    assert_int_equal(rom_defl_begin(&rom, COVERS, blocks, 4096, AT), ERR_OK);
    for (uint32_t i = 0; i < blocks && !e; i++) {
        size_t at = i * 4096u, n = packed_n - at < 4096 ? packed_n - at : 4096;
        e = rom_defl_data(&rom, i, packed + at, n, COVERS);
        assert_true(!e || i == blocks - 1);
    }
    assert_int_equal(e, ERR_DEVICE);
    assert_int_equal(rom.last_error, 0x0b);
    assert_memory_equal(b.m->flash + AT, data, FLASHER_WINDOW);
    assert_int_equal(b.m->flash[AT + COVERS - 1], 0xff);
    rom_dispose(&rom);
}

static void look_for_data(enum port_direction dir, const uint8_t *bytes, size_t n, void *arg)
{
    unsigned *hidden = arg;
    if (dir == PORT_TO_BOARD && !bytes) (*hidden)++;
    if (dir == PORT_TO_BOARD && bytes) assert_true(n < 100);
}

static void secret_blocks_stay_out_of_the_transcript(void **state)
{
    (void)state;
    unsigned hidden = 0;
    struct flasher_region r = region();
    r.secret = true;
    b.m->port.tap = look_for_data;
    b.m->port.tap_arg = &hidden;
    assert_int_equal(write_region(&r), ERR_OK);
    assert_int_equal(hidden, b.m->datas);
}

/* ---- one fault at a time, in every kind of place ---- */

enum fault { DROP, FLIP, RESET, MUTE };

struct place {
    uint64_t at; /* number of the byte since the reset */
    uint8_t op;  /* of the frame that it belongs to */
};

static struct place places[FRAMES * 60];
static size_t place_count;

static void add_place(uint64_t at, uint8_t op)
{
    assert_true(place_count < sizeof places / sizeof places[0]);
    places[place_count++] = (struct place){at, op};
}

/* Every byte of a head and of what is short, both delimiters, escapes, and some of the data. */
static void note_frame(enum port_direction dir, const uint8_t *bytes, size_t n, void *arg)
{
    unsigned *blocks = arg, escapes = 0;
    if (dir != PORT_TO_BOARD) return;
    uint8_t op = bytes[2];
    bool data_block = op == 0x11 || op == 0x03;
    unsigned step = !data_block || (*blocks)++ % 8 == 0 ? 1 : 9;
    for (size_t i = 0; i < n; i++) {
        bool escape = i > 30 && bytes[i] == 0xdb && escapes < 4;
        if (escape) escapes++;
        if (escape || i + 2 >= n || (i < 36 && i % step == 0) || i % 509 == 100)
            add_place(b.m->host_bytes + 1 + i, op);
    }
}

/* Where the bytes of a write go that nothing happens to. */
static void find_places(void)
{
    struct flasher_region r = region();
    unsigned blocks = 0;
    place_count = 0;
    set_up(NULL);
    b.m->port.tap = note_frame;
    b.m->port.tap_arg = &blocks;
    assert_int_equal(write_region(&r), ERR_OK);
    tear_down(NULL);
}

static void strike(enum fault kind, uint64_t at)
{
    b.m->drop_at = kind == DROP ? at : 0;
    b.m->flip_at = kind == FLIP ? at : 0;
    b.m->reset_at = kind == RESET ? at : 0;
    b.m->mute_answer = kind == MUTE ? b.m->answers + at : 0;
}

/* BEGIN has no checksum: one that was damaged and believed erases elsewhere; but the fence keeps it
 * from what lies behind. */
static bool flash_is_right_behind(uint32_t at)
{
    return !memcmp(b.want + at, b.m->flash + at, MODEL_FLASH - at);
}

static void try_fault(enum fault kind, uint64_t at, uint8_t op)
{
    struct flasher_region r = region();
    set_up(NULL);
    strike(kind, at);
    const char *wrong = write_region(&r) ? err_last()->detail : NULL;
    expect_region();
    bool right = b.m->begin_hit ? flash_is_right_behind(AT) : bench_flash_is_right();
    if (!right) wrong = "the flash is wrong";
    if (flasher_retries(b.f) > 2) wrong = "too many tries";
    /* A change that fails is not tried again: it costs more than what may be lost by it. */
    bool changing = op == 0x0f || op == 0x08;
    if (!changing && flasher_baud(b.f) != 921600) wrong = "slower for one fault";
    if (wrong) fail_msg("fault %d at byte %d, in frame %02x: %s", (int)kind, (int)at, op, wrong);
    bench_board_is_left_running();
    tear_down(NULL);
}

static void a_lost_byte_anywhere_is_recovered(void **state)
{
    (void)state;
    find_places();
    for (size_t i = 0; i < place_count; i++)
        try_fault(DROP, places[i].at, places[i].op);
}

static void a_flipped_bit_anywhere_is_recovered(void **state)
{
    (void)state;
    find_places();
    for (size_t i = 0; i < place_count; i += 2)
        try_fault(FLIP, places[i].at, places[i].op);
}

static void a_board_that_resets_itself_anywhere_is_recovered(void **state)
{
    (void)state;
    find_places();
    for (size_t i = 0; i < place_count; i += 7)
        try_fault(RESET, places[i].at, places[i].op);
}

static void a_lost_answer_anywhere_is_recovered(void **state)
{
    (void)state;
    for (uint64_t at = 1; at <= 30; at++)
        try_fault(MUTE, at, 0);
}

/* ---- two faults, the second while the first is mended ---- */

/* Strikes the next frame of an opcode. */
struct trap {
    uint8_t op;
    enum fault kind;
    uint64_t byte; /* of the frame, from 1; MUTE: its answer */
};

static void spring(enum port_direction dir, const uint8_t *bytes, size_t n, void *arg)
{
    struct trap *t = arg;
    if (dir != PORT_TO_BOARD || n < 3 || bytes[2] != t->op) return;
    strike(t->kind, t->kind == MUTE ? 1 : b.m->host_bytes + t->byte);
    t->op = 0xff;
}

static void set_trap(struct trap *t)
{
    b.m->port.tap = spring;
    b.m->port.tap_arg = t;
}

static void attaching_again_may_fail_too(void **state)
{
    (void)state;
    struct flasher_region r = region();
    struct trap t = {.op = 0x0d, .kind = MUTE}; /* SPI_ATTACH */
    r.packed = NULL;
    set_trap(&t);
    b.m->flip_at = b.m->host_bytes + 20000;
    assert_int_equal(write_region(&r), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(t.op, 0xff); /* it did */
}

static void swap_board(size_t done, size_t total, void *arg)
{
    bool *swapped = arg;
    (void)done;
    (void)total;
    if (*swapped) return;
    *swapped = true;
    model_set_reg(b.m, b.m->chip.mac_word, 0x33445567);
    model_boot(b.m);
    b.m->begins = b.m->deflates = 0;
}

static void another_board_does_not_get_the_rest(void **state)
{
    (void)state;
    bool swapped = false;
    struct flasher_region r = region();
    assert_int_equal(flasher_read_mac(b.f), ERR_OK);
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), swap_board, &swapped),
                     ERR_CONFLICT);
    assert_true(swapped && err_is(ERR_CONFLICT, "board_changed"));
    assert_int_equal(b.m->begins + b.m->deflates, 0);
    bench_board_is_left_running();
}

/* ---- what is sure is not sent again ---- */

static void the_raw_part_goes_on_from_the_block_that_failed(void **state)
{
    (void)state;
    struct flasher_region r = region();
    r.packed = NULL;
    b.m->flip_at = b.m->host_bytes + 40 * 1024;
    assert_int_equal(write_region(&r), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->begins, 2);
    assert_int_equal(b.m->datas, (N + 4095) / 4096 + 1); /* one came twice */
    assert_int_equal(flasher_retries(b.f), 1);
}

static void the_packed_part_is_not_sent_again_for_the_raw_ones_sake(void **state)
{
    (void)state;
    struct flasher_region r = region();
    b.m->flip_at = b.m->host_bytes + packed_n + 6000;
    assert_int_equal(write_region(&r), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->deflates, 1);
    assert_int_equal(b.m->begins, 3);
}

static void a_wrong_md5_makes_nothing_sure(void **state)
{
    (void)state;
    struct flasher_region r = region();
    b.m->bad_md5 = 1;
    assert_int_equal(write_region(&r), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->deflates, 2);
    assert_int_equal(b.m->begins, 4);
}

static void what_is_packed_and_fails_twice_goes_raw(void **state)
{
    (void)state;
    struct flasher_region r = region();
    b.m->no_inflate = true;
    assert_int_equal(write_region(&r), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->deflates, 2);
    assert_int_equal(b.m->begins, 3);
}

/* A byte in 9 000 is lost, at every speed: no try gets the region through, but all together do. */
static void a_wire_that_is_always_bad_still_gets_there(void **state)
{
    (void)state;
    struct flasher_region r = region();
    b.m->drop_every = 9001;
    assert_int_equal(write_region(&r), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_true(flasher_retries(b.f) > 5);
}

static void a_wire_that_is_worse_ends_in_an_error(void **state)
{
    (void)state;
    struct flasher_region r = region();
    b.m->drop_every = 2003;
    int64_t start = virtual_ns;
    assert_int_not_equal(write_region(&r), ERR_OK);
    assert_string_not_equal(err_last()->hint, "");
    assert_in_range((virtual_ns - start) / 1000000, 0, 120000);
    b.m->drop_every = 0;
    bench_board_is_left_running();
}

static void a_flash_that_does_not_keep_is_not_the_wires_fault(void **state)
{
    (void)state;
    struct flasher_region r = region();
    b.m->weak_flash = true;
    assert_int_equal(write_region(&r), ERR_VERIFY);
    assert_string_equal(err_last()->code, "flash_verify");
    assert_int_equal(flasher_slowdowns(b.f), 0);
    assert_int_equal(flasher_retries(b.f), 2);
}

/* ---- the speed ---- */

static void the_speed_goes_down_the_ladder_to_one_that_holds(void **state)
{
    (void)state;
    static const struct {
        uint32_t holds, wanted, ends;
        unsigned slowdowns;
    } cases[] = {{2000000, 2000000, 2000000, 0}, {1000000, 2000000, 921600, 1},
                 {921600, 921600, 921600, 0},    {800000, 921600, 460800, 1},
                 {230400, 921600, 230400, 2},    {115200, 921600, 115200, 3},
                 {115200, 115200, 115200, 0},    {115200, 0, 115200, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct flasher_region r = region();
        const struct flasher_options o = {.reset = {.kind = RESET_AUTO},
                                          .flash_baud = cases[i].wanted};
        bench_stop();
        bench_start(&o);
        assert_int_equal(bench_connect(), ERR_OK);
        b.m->max_baud = cases[i].holds;
        assert_int_equal(write_region(&r), ERR_OK);
        expect_region();
        assert_true(bench_flash_is_right());
        assert_int_equal(flasher_baud(b.f), cases[i].ends);
        assert_int_equal(flasher_slowdowns(b.f), cases[i].slowdowns);
        bench_board_is_left_running();
        assert_int_equal(b.m->port.baud, 115200);
    }
}

/* SYNC passes at this speed, long frames do not. */
static void a_speed_that_loses_bytes_twice_is_given_up(void **state)
{
    (void)state;
    struct flasher_region r = region();
    b.m->drop_every = 3001;
    b.m->drop_above = 460800;
    assert_int_equal(write_region(&r), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(flasher_baud(b.f), 460800);
    assert_int_equal(flasher_slowdowns(b.f), 1);
}

static void the_speed_that_holds_is_kept_for_what_follows(void **state)
{
    (void)state;
    struct flasher_region r = region();
    b.m->max_baud = 460800;
    assert_int_equal(write_region(&r), ERR_OK);
    unsigned resets = (unsigned)b.m->resets;
    b.m->reset_at = b.m->host_bytes + 9000; /* back at the connect speed */
    assert_int_equal(write_region(&r), ERR_OK);
    assert_int_equal(flasher_baud(b.f), 460800);
    assert_int_equal(flasher_slowdowns(b.f), 1);
    assert_int_equal(b.m->resets, resets + 2); /* its own, and ours */
}

static void a_board_that_is_not_reset_is_left_at_the_speed_it_was_found(void **state)
{
    (void)state;
    const struct flasher_options o = {.reset = {.kind = RESET_NONE}, .flash_baud = 921600};
    const struct reset tight = {.kind = RESET_TIGHT};
    struct flasher_region r = region();
    bench_stop();
    bench_start(&o);
    assert_int_equal(reset_to_download(&b.m->port, &tight, 0), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bench_connect(), ERR_OK);
        assert_int_equal(write_region(&r), ERR_OK);
        assert_int_equal(b.m->chip_baud, 921600);
        assert_int_equal(flasher_finish(b.f), ERR_OK);
        assert_int_equal(b.m->chip_baud, 115200);
        assert_int_equal(b.m->port.baud, 115200);
    }
    assert_int_equal(b.m->resets, 1);
}

static void start_without_reset(void)
{
    static const struct flasher_options o = {.reset = {.kind = RESET_NONE}, .flash_baud = 921600};
    const struct reset tight = {.kind = RESET_TIGHT};
    bench_stop();
    bench_start(&o);
    assert_int_equal(reset_to_download(&b.m->port, &tight, 0), ERR_OK);
    assert_int_equal(bench_connect(), ERR_OK);
}

static void a_board_that_is_not_reset_is_found_at_the_speed_it_went_to(void **state)
{
    (void)state;
    struct flasher_region r = region();
    struct trap t = {.op = 0x0f, .kind = MUTE};
    start_without_reset();
    set_trap(&t);
    assert_int_equal(write_region(&r), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->chip_baud, 921600);
    assert_int_equal(flasher_retries(b.f), 0);
}

static void the_way_back_to_its_speed_is_tried_twice(void **state)
{
    (void)state;
    struct flasher_region r = region();
    for (int i = 0; i < 2; i++) {
        struct trap t = {.op = 0x0f, .kind = i ? MUTE : DROP, .byte = 1};
        start_without_reset();
        assert_int_equal(write_region(&r), ERR_OK);
        set_trap(&t);
        assert_int_equal(flasher_finish(b.f), ERR_OK);
        assert_int_equal(b.m->chip_baud, 115200);
        assert_int_equal(b.m->port.baud, 115200);
    }
}

static void what_never_met_a_board_can_be_finished(void **state)
{
    (void)state;
    const struct flasher_options o = {.reset = {.kind = RESET_NONE}};
    bench_stop();
    bench_start(&o);
    b.m->port.baud = 9600;
    assert_int_equal(flasher_finish(b.f), ERR_OK);
    assert_int_equal(b.m->port.baud, 115200);
}

/* 96 KiB at 921600 baud: what is compressed in the time that its bytes take, and little more. */
static void the_write_takes_little_more_than_wire_and_flash(void **state)
{
    (void)state;
    struct flasher_region r = region();
    flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL); /* speed is up now */
    int64_t start = virtual_ns, wire = (int64_t)(packed_n + N - COVERS) * 10 * 1000000000 / 921600;
    assert_int_equal(write_region(&r), ERR_OK);
    int64_t flash = ERASE / 4096 * 45000000LL + COVERS / 256 * 500000LL + 3 * 4000000;
    assert_in_range(virtual_ns - start, wire + flash, wire * 105 / 100 + flash);
}

/* ---- the fence ---- */

static void a_begin_that_points_behind_the_region_is_refused(void **state)
{
    (void)state;
    struct rom rom;
    struct flasher_region r = region();
    assert_int_equal(write_region(&r), ERR_OK);
    rom_init(&rom, &b.m->port);
    assert_int_equal(rom_flash_begin(&rom, ERASE + 0x1000, 1, 4096, AT), ERR_DEVICE);
    assert_int_equal(rom_flash_begin(&rom, ERASE, 1, 4096, AT + 0x1000), ERR_DEVICE);
    rom_dispose(&rom);
    expect_region();
    assert_true(bench_flash_is_right());
}

static void what_lies_behind_a_fence_is_still_reached(void **state)
{
    (void)state;
    struct flasher_region r = region();
    uint8_t md5[MD5_BYTES], want[MD5_BYTES], out[100] = {0};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(write_region(&r), ERR_OK);
        enum err e = i == 0   ? flasher_md5(b.f, 0x300000, 0x1000, md5)
                     : i == 1 ? flasher_read(b.f, 0x300000, out, sizeof out, NULL, NULL)
                     : i == 2 ? flasher_erase(b.f, 0x300000, 0x1000, deadline_never(), NULL, NULL)
                              : flasher_verify(b.f, &(struct flasher_region){
                                                        .offset = 0x300000, .erase_bytes = 0x1000});
        assert_int_equal(e, ERR_OK);
    }
    digest_md5(b.want + 0x300000, 0x1000, want);
    assert_memory_equal(md5, want, MD5_BYTES);
    assert_memory_equal(out, b.want + 0x300000, sizeof out);
}

static void a_rom_that_knows_no_fence_is_written_all_the_same(void **state)
{
    (void)state;
    struct flasher_region r = region();
    b.m->no_fence = true;
    assert_int_equal(write_region(&r), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(flasher_retries(b.f), 2);
    assert_int_equal(write_region(&r), ERR_OK); /* now it is known */
    assert_int_equal(flasher_retries(b.f), 2);
    assert_int_equal(flasher_slowdowns(b.f), 0);
}

/* ---- what is there already ---- */

static void a_comparison_costs_one_md5_whatever_it_says(void **state)
{
    (void)state;
    struct flasher_region r = region();
    bool same = true;
    unsigned before = flasher_commands(b.f);
    assert_int_equal(flasher_compare(b.f, &r, &same), ERR_OK);
    assert_false(same);
    assert_int_equal(flasher_commands(b.f), before + 1);
    assert_int_equal(write_region(&r), ERR_OK);
    before = flasher_commands(b.f);
    assert_int_equal(flasher_compare(b.f, &r, &same), ERR_OK);
    assert_true(same);
    assert_int_equal(flasher_commands(b.f), before + 1);
    b.m->flash[AT + ERASE - 1] = 0; /* behind the data */
    assert_int_equal(flasher_compare(b.f, &r, &same), ERR_OK);
    assert_false(same);
    assert_int_equal(flasher_retries(b.f), 0);
}

static enum err write_changed(void)
{
    struct flasher_region r = region();
    size_t done = 0;
    enum err e = flasher_write_changed(b.f, &r, deadline_in_ms(60000), progress, &done);
    if (!e) assert_int_equal(done, N);
    return e;
}

static void only_sectors_that_changed_are_written(void **state)
{
    (void)state;
    struct flasher_region r = region();
    assert_int_equal(write_region(&r), ERR_OK);
    unsigned datas = b.m->datas, begins = b.m->begins;
    b.m->flash[AT + 5] ^= 1; /* the first sector */
    b.m->flash[AT + 0x3000] ^= 1;
    b.m->flash[AT + 0x4fff] ^= 1;    /* two beside each other */
    b.m->flash[AT + ERASE - 1] = 0;  /* the last, where there is no data */
    b.m->flash[AT + ERASE + 9] ^= 1; /* and what is none of its business */
    b.want[AT + ERASE + 9] ^= 1;
    assert_int_equal(write_changed(), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->datas - datas, 3);
    assert_int_equal(b.m->begins - begins, 3);
    assert_int_equal(write_changed(), ERR_OK); /* nothing left to do */
    assert_int_equal(b.m->begins - begins, 3);
}

static void sectors_that_are_known_are_not_asked_for(void **state)
{
    (void)state;
    struct flasher_region r = region();
    static uint8_t before[ERASE];
    memset(b.m->flash + AT, 0xff, ERASE);
    memcpy(b.m->flash + AT, r.data, r.n);
    b.m->flash[AT + 0x2007] ^= 1;
    b.m->flash[AT + ERASE - 1] = 0; /* where there is no data */
    memcpy(before, b.m->flash + AT, ERASE);
    r.before = before;
    unsigned commands = flasher_commands(b.f);
    assert_int_equal(flasher_write_changed(b.f, &r, deadline_in_ms(60000), NULL, NULL), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->begins, 2);
    assert_in_range(flasher_commands(b.f) - commands, 0, 20);
}

static void where_much_has_changed_all_is_written(void **state)
{
    (void)state;
    assert_int_equal(write_changed(), ERR_OK);
    expect_region();
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->deflates, 1);
    assert_int_equal(b.m->begins, 2);
}

/* ---- reading and erasing ---- */

static void erased_flash_is_not_read(void **state)
{
    (void)state;
    static uint8_t out[0x40000];
    memset(b.m->flash + 0x110000, 0xff, 0x10000); /* a block */
    memset(b.m->flash + 0x123000, 0xff, 0x5000);  /* some sectors */
    unsigned before = flasher_commands(b.f);
    assert_int_equal(flasher_read(b.f, 0x108123, out, 0x30000, NULL, NULL), ERR_OK);
    assert_memory_equal(out, b.m->flash + 0x108123, 0x30000);
    assert_int_equal(flasher_baud(b.f), 921600);
    unsigned reads = (0x30000 - 0x10000 - 0x5000) / 64;
    assert_in_range(flasher_commands(b.f) - before, reads, reads + 60);
}

static void what_was_guessed_right_is_not_read(void **state)
{
    (void)state;
    static uint8_t out[0x1c000];
    memcpy(out, b.m->flash + 0x21000, sizeof out);
    unsigned before = flasher_commands(b.f);
    assert_int_equal(flasher_read(b.f, 0x21000, out, sizeof out, NULL, NULL), ERR_OK);
    assert_memory_equal(out, b.m->flash + 0x21000, sizeof out);
    assert_in_range(flasher_commands(b.f) - before, 2, 8); /* and what a change of speed takes */
    out[0x5008] ^= 1;
    out[0x6fff] ^= 1;
    before = flasher_commands(b.f);
    assert_int_equal(flasher_read(b.f, 0x21000, out, sizeof out, NULL, NULL), ERR_OK);
    assert_memory_equal(out, b.m->flash + 0x21000, sizeof out);
    assert_in_range(flasher_commands(b.f) - before, 2 * 64, 2 * 64 + 28 + 8);
}

static void a_read_that_was_damaged_is_read_again(void **state)
{
    (void)state;
    static uint8_t out[0x3000];
    for (uint64_t at = 60; at < 3000; at += 37) {
        b.m->flip_answer = at;
        memset(out, 0, sizeof out);
        assert_int_equal(flasher_read(b.f, 0x20000, out, sizeof out, NULL, NULL), ERR_OK);
        assert_memory_equal(out, b.m->flash + 0x20000, sizeof out);
    }
}

static void a_short_read_that_was_damaged_is_read_again(void **state)
{
    (void)state;
    uint8_t out[300] = {0};
    b.m->flip_answer = 200;
    assert_int_equal(flasher_read(b.f, 0x9000, out, sizeof out, NULL, NULL), ERR_OK);
    assert_int_equal(b.m->flip_answer, 0);
    assert_memory_equal(out, b.want + 0x9000, sizeof out);
}

static void note_erased(size_t done, size_t total, void *arg)
{
    size_t *last = arg;
    assert_true(done > *last && done <= total && total == 0x30000);
    *last = done;
}

static void an_erase_goes_by_blocks_and_skips_what_is_erased(void **state)
{
    (void)state;
    size_t done = 0;
    memset(b.m->flash + 0x90000, 0xff, 0x10000);
    assert_int_equal(
        flasher_erase(b.f, 0x85000, 0x30000, deadline_in_ms(60000), note_erased, &done), ERR_OK);
    memset(b.want + 0x85000, 0xff, 0x30000);
    assert_true(bench_flash_is_right());
    assert_int_equal(done, 0x30000);
    assert_int_equal(b.m->begins, 3); /* 0x85000, 0xa0000, 0xb0000 */
    assert_int_equal(flasher_retries(b.f), 0);
}

static void an_erase_that_points_behind_its_end_is_refused(void **state)
{
    (void)state;
    struct trap t = {.op = 0x02, .kind = FLIP, .byte = 24}; /* bit 18 of the offset */
    set_trap(&t);
    assert_int_equal(flasher_erase(b.f, 0x80000, 0x13000, deadline_in_ms(60000), NULL, NULL),
                     ERR_OK);
    memset(b.want + 0x80000, 0xff, 0x13000);
    assert_true(bench_flash_is_right());
    assert_int_equal(flasher_retries(b.f), 1);
}

static void a_whole_chip_is_erased(void **state)
{
    (void)state;
    assert_int_equal(flasher_erase(b.f, 0, MODEL_FLASH, deadline_in_ms(600000), NULL, NULL),
                     ERR_OK);
    memset(b.want, 0xff, MODEL_FLASH);
    assert_true(bench_flash_is_right());
    assert_int_equal(b.m->begins, 64);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    fill_data();
    packed_n = compress_data(COVERS, Z_SYNC_FLUSH, packed, sizeof packed);
    const struct CMUnitTest tests[] = {
        TEST(windows_go_packed_and_the_rest_raw),
        TEST(the_erased_end_of_a_region_may_go_packed_too),
        TEST(a_region_without_data_is_erased),
        TEST(what_is_not_whole_windows_is_refused),
        TEST(a_stream_that_ends_would_destroy_what_lies_behind),
        TEST(an_exact_count_would_lose_the_last_window),
        TEST(secret_blocks_stay_out_of_the_transcript),
        cmocka_unit_test(a_lost_byte_anywhere_is_recovered),
        cmocka_unit_test(a_flipped_bit_anywhere_is_recovered),
        cmocka_unit_test(a_board_that_resets_itself_anywhere_is_recovered),
        cmocka_unit_test(a_lost_answer_anywhere_is_recovered),
        TEST(attaching_again_may_fail_too),
        TEST(another_board_does_not_get_the_rest),
        TEST(the_raw_part_goes_on_from_the_block_that_failed),
        TEST(the_packed_part_is_not_sent_again_for_the_raw_ones_sake),
        TEST(a_wrong_md5_makes_nothing_sure),
        TEST(what_is_packed_and_fails_twice_goes_raw),
        TEST(a_wire_that_is_always_bad_still_gets_there),
        TEST(a_wire_that_is_worse_ends_in_an_error),
        TEST(a_flash_that_does_not_keep_is_not_the_wires_fault),
        TEST(the_speed_goes_down_the_ladder_to_one_that_holds),
        TEST(a_speed_that_loses_bytes_twice_is_given_up),
        TEST(the_speed_that_holds_is_kept_for_what_follows),
        TEST(a_board_that_is_not_reset_is_left_at_the_speed_it_was_found),
        TEST(a_board_that_is_not_reset_is_found_at_the_speed_it_went_to),
        TEST(the_way_back_to_its_speed_is_tried_twice),
        TEST(what_never_met_a_board_can_be_finished),
        TEST(the_write_takes_little_more_than_wire_and_flash),
        TEST(a_begin_that_points_behind_the_region_is_refused),
        TEST(what_lies_behind_a_fence_is_still_reached),
        TEST(a_rom_that_knows_no_fence_is_written_all_the_same),
        TEST(a_comparison_costs_one_md5_whatever_it_says),
        TEST(only_sectors_that_changed_are_written),
        TEST(sectors_that_are_known_are_not_asked_for),
        TEST(where_much_has_changed_all_is_written),
        TEST(erased_flash_is_not_read),
        TEST(what_was_guessed_right_is_not_read),
        TEST(a_read_that_was_damaged_is_read_again),
        TEST(a_short_read_that_was_damaged_is_read_again),
        TEST(an_erase_goes_by_blocks_and_skips_what_is_erased),
        TEST(an_erase_that_points_behind_its_end_is_refused),
        TEST(a_whole_chip_is_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
