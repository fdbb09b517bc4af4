/* The flasher against a model of the ROM with every fault a bench has. What was written is judged
 * by the model's flash, never by the flasher's own word. */
#include "tests/unit/flash/flasher_bench.h"

enum { IMAGES = 3, PARTITION = 0x2000, FIRST = 0x34000 };

static const size_t sizes[IMAGES] = {1232, 1688, 1200};
static uint8_t image[IMAGES][2048];

static int set_up(void **state)
{
    (void)state;
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}};
    bench_start(&o);
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t k = 0; k < sizes[i]; k++) /* text, as PEM is */
            image[i][k] = (uint8_t)('A' + (i * 31 + k * k) % 57);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bench_stop();
    return 0;
}

static struct flasher_region region(size_t i)
{
    return (struct flasher_region){.offset = FIRST + (uint32_t)i * PARTITION,
                                   .erase_bytes = PARTITION,
                                   .data = image[i],
                                   .n = sizes[i]};
}

static enum err write_all(void)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < IMAGES && !e; i++) {
        const struct flasher_region r = region(i);
        e = flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL);
    }
    return e;
}

/* Each image where it belongs, 0xFF to the end of its partition, everything else as it was. */
static bool flash_is_right(void)
{
    for (size_t i = 0; i < IMAGES; i++) {
        uint8_t *want = b.want + FIRST + i * PARTITION;
        memset(want, 0xff, PARTITION);
        memcpy(want, image[i], sizes[i]);
    }
    return !memcmp(b.want, b.m->flash, MODEL_FLASH);
}

static bool images_are_there(void)
{
    for (size_t i = 0; i < IMAGES; i++)
        if (memcmp(b.m->flash + FIRST + i * PARTITION, image[i], sizes[i]) != 0) return false;
    return true;
}

/* Who a board is and what it allows is asked once, and counted apart from what is written. */
static void three_images_stay_within_the_byte_budget(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    uint64_t out = b.m->port.bytes_out, in = b.m->port.bytes_in;
    assert_int_equal(flasher_read_mac(b.f), ERR_OK);
    assert_int_equal(flasher_commands(b.f), 4 + 9);
    out = b.m->port.bytes_out - out;
    in = b.m->port.bytes_in - in;
    assert_true(out <= 9 * 14 + 10 && in <= 9 * 14 + 10); /* with what is escaped */
    assert_int_equal(write_all(), ERR_OK);
    assert_true(flash_is_right());
    assert_int_equal(flasher_commands(b.f), 13 + 9);
    assert_int_equal(flasher_retries(b.f), 0);
    assert_int_equal(b.m->datas, 3);
    assert_true(b.m->port.bytes_out - out <= 4560);
    /* with the boot text, which nobody asked for */
    assert_true(b.m->port.bytes_in - in <= 400 + 250);
    assert_int_equal(b.m->ends, 0);
    assert_int_equal(b.m->deflates, 0);
    bench_board_is_left_running();
}

static void answers_alone_stay_within_the_byte_budget(void **state)
{
    (void)state;
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_OK);
    assert_int_equal(flasher_read_mac(b.f), ERR_OK);
    uint64_t connect_in = 8 * 14 + 14, before = b.m->port.bytes_in;
    assert_int_equal(flasher_attach(b.f, 0), ERR_OK);
    assert_int_equal(write_all(), ERR_OK);
    assert_true(connect_in + b.m->port.bytes_in - before <= 400);
}

static void connecting_costs_the_reset_pulses_and_two_round_trips(void **state)
{
    (void)state;
    int64_t start = virtual_ns;
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_OK);
    int64_t ms = (virtual_ns - start) / 1000000;
    assert_in_range(ms, 150, 150 + 50);
    assert_int_equal(b.m->resets, 1);
    assert_int_equal(b.m->syncs, 1);
}

static void the_write_takes_little_more_than_wire_and_erase(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    uint64_t bytes = b.m->port.bytes_out + b.m->port.bytes_in;
    int64_t start = virtual_ns;
    assert_int_equal(write_all(), ERR_OK);
    bytes = b.m->port.bytes_out + b.m->port.bytes_in - bytes;
    int64_t least = (int64_t)bytes * 10 * 1000000000 / 115200 + IMAGES * 2 * 45000000LL;
    assert_true(virtual_ns - start <= least + least * 15 / 100);
}

static void a_silent_rom_log_does_not_stop_it(void **state)
{
    (void)state;
    b.m->no_text = true;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(b.m->resets, 1);
}

static void a_board_in_its_loader_needs_no_reset(void **state)
{
    (void)state;
    const struct reset tight = {.kind = RESET_TIGHT};
    assert_int_equal(reset_to_download(&b.m->port, &tight, 0), ERR_OK);
    flasher_free(b.f);
    const struct flasher_options o = {.reset = {.kind = RESET_NONE}};
    assert_int_equal(flasher_new(&b.m->port, &o, &b.f), ERR_OK);
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(b.m->resets, 1);
}

/* ---- one fault at a time, wherever it strikes ---- */

enum fault { DROP, FLIP, RESET, MUTE };

static void set_fault(enum fault kind, uint64_t at)
{
    b.m->drop_at = kind == DROP ? at : 0;
    b.m->flip_at = kind == FLIP ? at : 0;
    b.m->reset_at = kind == RESET ? at : 0;
    b.m->mute_answer = kind == MUTE ? at : 0;
}

static void try_fault(enum fault kind, uint64_t at)
{
    set_up(NULL);
    set_fault(kind, at);
    enum err e = bench_connect();
    if (!e) e = write_all();
    if (e) fail_msg("fault %d at %d: %s", (int)kind, (int)at, err_last()->detail);
    /* BEGIN has no checksum: one that was damaged and believed erases elsewhere. The MD5 then still
     * brings the images where they belong. */
    bool right = b.m->begin_hit ? images_are_there() : flash_is_right();
    if (!right) fail_msg("fault %d at %d: the flash is wrong", (int)kind, (int)at);
    assert_in_range(flasher_retries(b.f), 0, 2);
    bench_board_is_left_running();
    tear_down(NULL);
}

static void a_lost_byte_anywhere_is_recovered(void **state)
{
    (void)state;
    for (uint64_t at = 1; at < 4500; at += at < 200 ? 1 : 41)
        try_fault(DROP, at);
}

static void a_flipped_bit_anywhere_is_recovered(void **state)
{
    (void)state;
    for (uint64_t at = 1; at < 4500; at += at < 200 ? 1 : 41)
        try_fault(FLIP, at);
}

static void a_board_that_resets_itself_anywhere_is_recovered(void **state)
{
    (void)state;
    for (uint64_t at = 47; at < 4500; at += 97)
        try_fault(RESET, at);
}

static void a_lost_answer_anywhere_is_recovered(void **state)
{
    (void)state;
    for (uint64_t at = 1; at <= 20; at++)
        try_fault(MUTE, at);
}

static void a_damaged_block_is_never_sent_again_in_place(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    b.m->flip_at = b.m->host_bytes + 26 + 500;
    const struct flasher_region r = region(0);
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL), ERR_OK);
    assert_int_equal(b.m->begins, 2);
    assert_int_equal(b.m->datas, 2);
    assert_int_equal(flasher_retries(b.f), 1);
}

static void a_wrong_md5_writes_the_region_again(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    b.m->bad_md5 = 1;
    assert_int_equal(write_all(), ERR_OK);
    assert_int_equal(flasher_retries(b.f), 1);
    assert_int_equal(b.m->begins, 4);
    assert_true(flash_is_right());
}

static void a_flash_that_does_not_keep_is_told_after_three_tries(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    b.m->weak_flash = true;
    const struct flasher_region r = region(0);
    image[0][7] = 'A'; /* odd: its lowest bit is what this flash loses */
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL), ERR_VERIFY);
    assert_string_equal(err_last()->code, "flash_verify");
    assert_string_not_equal(err_last()->hint, "");
    assert_int_equal(b.m->begins, 3);
    assert_int_equal(flasher_retries(b.f), 2);
    bench_board_is_left_running();
}

static void verifying_can_wait_until_all_is_written(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(flasher_check_writable(b.f), ERR_OK);
    unsigned commands = flasher_commands(b.f);
    b.m->bad_md5 = 1;
    for (size_t i = 0; i < IMAGES; i++) {
        struct flasher_region r = region(i);
        r.verify_later = true;
        assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL), ERR_OK);
    }
    assert_int_equal(flasher_commands(b.f), commands + 6);
    for (size_t i = 0; i < IMAGES; i++) {
        const struct flasher_region r = region(i);
        assert_int_equal(flasher_verify(b.f, &r), ERR_OK); /* one wrong answer is asked again */
    }
    b.m->flash[FIRST + PARTITION - 1] = 0; /* behind the image: an old key might stand there */
    const struct flasher_region r = region(0);
    assert_int_equal(flasher_verify(b.f, &r), ERR_VERIFY);
    assert_int_equal(b.m->begins, 3);
}

static void a_board_that_always_resets_ends_in_an_error(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    b.m->once = false;
    b.m->reset_at = 1000;
    int64_t start = virtual_ns;
    assert_int_not_equal(write_all(), ERR_OK);
    assert_in_range((virtual_ns - start) / 1000000, 0, 60000);
    bench_board_is_left_running();
}

static void late_answers_are_waited_for(void **state)
{
    (void)state;
    b.m->late_ns = 240000000;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(write_all(), ERR_OK);
    assert_int_equal(flasher_retries(b.f), 0);
    assert_true(flash_is_right());
}

static void a_hang_up_is_told_at_once(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    b.m->gone_at = b.m->host_bytes + 700;
    int64_t start = virtual_ns;
    assert_int_equal(write_all(), ERR_PORT_GONE);
    assert_in_range((virtual_ns - start) / 1000000, 0, 300);
    assert_int_equal(flasher_finish(b.f), ERR_PORT_GONE);
}

static void cancel_in_the_middle_stops_and_the_board_runs_again(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    b.m->cancel_at = b.m->host_bytes + 700;
    assert_int_equal(write_all(), ERR_CANCELLED);
    assert_int_equal(b.m->datas, 1);
    bench_board_is_left_running();
    assert_ptr_equal(b.m->port.cancel, &b.cancel);
}

static void the_deadline_of_a_write_is_kept(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    b.m->deaf = true;
    int64_t start = virtual_ns;
    const struct flasher_region r = region(0);
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(2000), NULL, NULL), ERR_TIMEOUT);
    assert_in_range((virtual_ns - start) / 1000000, 0, 2100);
    bench_board_is_left_running();
}

/* ---- why a board does not answer ---- */

static void expect_diagnosis(enum err kind, const char *code, const char *said)
{
    int64_t start = virtual_ns;
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), kind);
    const struct err_info why = *err_last();
    assert_string_equal(why.code, code);
    assert_string_not_equal(why.hint, "");
    assert_string_not_equal(why.detail, "");
    if (*said)
        assert_non_null(strstr(why.device, said));
    else
        assert_string_equal(why.device, "");
    assert_in_range((virtual_ns - start) / 1000000, 0, 6000);
}

static void no_power_is_told(void **state)
{
    (void)state;
    b.m->silent = true;
    expect_diagnosis(ERR_TIMEOUT, "board_silent", "");
    assert_int_equal(b.m->resets, 5);
}

static void a_wrong_boot_mode_is_told_with_the_boards_words(void **state)
{
    (void)state;
    b.m->strap_broken = true;
    expect_diagnosis(ERR_DEVICE, "board_wrong_boot_mode", "SPI_FAST_FLASH_BOOT");
    bench_board_is_left_running();
}

static void a_board_that_hears_nothing_is_told(void **state)
{
    (void)state;
    b.m->deaf = true;
    expect_diagnosis(ERR_TIMEOUT, "board_tx_dead", "waiting for download");
    bench_board_is_left_running();
}

static void garbage_is_told(void **state)
{
    (void)state;
    b.m->noisy = true;
    expect_diagnosis(ERR_PROTOCOL, "board_garbage", "\\x");
}

static void bridged_lines_are_told(void **state)
{
    (void)state;
    b.m->bridged = b.m->deaf = b.m->no_text = true;
    expect_diagnosis(ERR_PROTOCOL, "board_echo", "UUUU");
}

static void an_echo_beside_true_answers_is_passed_over(void **state)
{
    (void)state;
    b.m->bridged = true;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(write_all(), ERR_OK);
    assert_true(flash_is_right());
}

static void a_firmware_that_is_not_reset_is_told(void **state)
{
    (void)state;
    b.m->talks = true;
    flasher_free(b.f);
    const struct flasher_options o = {.reset = {.kind = RESET_NONE}};
    assert_int_equal(flasher_new(&b.m->port, &o, &b.f), ERR_OK);
    expect_diagnosis(ERR_DEVICE, "board_wrong_boot_mode", "temperature 21.5");
}

static void a_port_without_lines_is_told(void **state)
{
    (void)state;
    b.m->no_lines = true;
    expect_diagnosis(ERR_UNSUPPORTED, "port_no_lines", "");
    assert_int_equal(flasher_finish(b.f), ERR_OK);
}

static void without_lines_a_board_in_its_loader_is_taken(void **state)
{
    (void)state;
    b.m->dtr = true; /* the button */
    model_boot(b.m);
    b.m->no_lines = true;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(write_all(), ERR_OK);
    assert_true(flash_is_right());
}

static void a_slow_enable_line_is_reached_by_the_ladder(void **state)
{
    (void)state;
    b.m->en_delay_ns = 300000000;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(b.m->mode, MODEL_LOADER);
}

static void connect_sees_cancel(void **state)
{
    (void)state;
    b.m->silent = true;
    b.m->cancel_at = 60;
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_CANCELLED);
    bench_board_is_left_running();
}

/* ---- what else it does ---- */

static void identify_reads_the_board(void **state)
{
    (void)state;
    static const uint8_t mac[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66};
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_OK);
    assert_int_equal(flasher_identify(b.f, deadline_in_ms(10000)), ERR_OK);
    const struct flasher_board *board = flasher_board(b.f);
    assert_string_equal(board->chip->name, "esp32");
    assert_true(board->mac_known);
    assert_memory_equal(board->mac, mac, 6);
    assert_int_equal(b.m->begins, 0);
    assert_int_equal(board->revision, 300);
    assert_int_equal(board->flash_id, 0x1640c8);
    assert_int_equal(board->flash_bytes, 4 * 1024 * 1024);
    assert_int_equal(board->crystal_mhz, 40);
    assert_int_equal(flasher_attach(b.f, 0), ERR_OK);
    assert_int_equal(b.m->known_size, 4 * 1024 * 1024);
}

static void a_damaged_read_of_the_mac_is_not_believed(void **state)
{
    (void)state;
    static const uint8_t mac[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66};
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_OK);
    b.m->flip_at = b.m->host_bytes + 11; /* in the address */
    assert_int_equal(flasher_read_mac(b.f), ERR_OK);
    assert_memory_equal(flasher_board(b.f)->mac, mac, 6);
}

static void the_mac_is_read_once(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(flasher_read_mac(b.f), ERR_OK);
    unsigned commands = flasher_commands(b.f);
    assert_int_equal(flasher_read_mac(b.f), ERR_OK);
    assert_int_equal(flasher_commands(b.f), commands);
}

static void a_flash_without_contact_is_told(void **state)
{
    (void)state;
    b.m->no_flash = true;
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_OK);
    assert_int_equal(flasher_identify(b.f, deadline_in_ms(10000)), ERR_DEVICE);
    assert_string_equal(err_last()->code, "flash_silent");
}

static void a_flash_inside_the_package_is_attached_by_its_pins(void **state)
{
    (void)state;
    model_set_reg(b.m, 0x3ff5a00c, 0x000000b0); /* HD on 11 */
    /* CLK, Q, D, CS; minor 1 */
    model_set_reg(b.m, 0x3ff5a014, 6 | 7 << 5 | 8 << 10 | 16 << 15 | 1U << 24);
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_OK);
    assert_int_equal(flasher_read_mac(b.f), ERR_OK);
    assert_int_equal(flasher_attach(b.f, 0), ERR_OK);
    assert_int_equal(b.m->attach_pins, 6 | 7 << 6 | 8 << 12 | 16 << 18 | 11 << 24);
    assert_int_equal(flasher_board(b.f)->revision % 100, 1);
}

static void count_progress(size_t done, size_t total, void *arg)
{
    size_t *last = arg;
    assert_true(done > *last && done <= total);
    *last = done;
}

static void a_large_image_goes_in_blocks_and_keeps_its_odd_end(void **state)
{
    (void)state;
    enum { N = 10 * 1024 + 3, AT = 0x100000, ERASE = 0x4000 };
    static uint8_t data[N];
    size_t done = 0;
    for (size_t i = 0; i < N; i++)
        data[i] = (uint8_t)(i * i >> 3);
    const struct flasher_region r = {.offset = AT, .erase_bytes = ERASE, .data = data, .n = N};
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), count_progress, &done), ERR_OK);
    assert_int_equal(done, N);
    assert_int_equal(b.m->datas, 3);
    memset(b.want + AT, 0xff, ERASE);
    memcpy(b.want + AT, data, N);
    assert_memory_equal(b.want, b.m->flash, MODEL_FLASH);
}

static void a_damaged_block_of_many_starts_the_region_again(void **state)
{
    (void)state;
    enum { N = 20000, AT = 0x200000, ERASE = 0x5000 };
    static uint8_t data[N];
    for (size_t i = 0; i < N; i++)
        data[i] = (uint8_t)(i >> 5 ^ i);
    const struct flasher_region r = {.offset = AT, .erase_bytes = ERASE, .data = data, .n = N};
    assert_int_equal(bench_connect(), ERR_OK);
    b.m->flip_at = b.m->host_bytes + 9000;
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL), ERR_OK);
    assert_int_equal(b.m->begins, 2);
    assert_memory_equal(b.m->flash + AT, data, N);
}

static void what_does_not_fit_is_refused_before_anything_is_erased(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, erase;
        size_t n;
    } cases[] = {
        {0x1004, 0x1000, 16},     {0x1000, 0x1800, 16},     {0x1000, 0x1000, 0x1001},
        {0x1000, 0, 0},           {0x400000, 0x1000, 16},   {0x3ff000, 0x2000, 16},
        {0xfffff000, 0x1000, 16}, {0x1000, 0xfffff000, 16},
    };
    assert_int_equal(bench_connect(), ERR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct flasher_region r = {.offset = cases[i].offset,
                                         .erase_bytes = cases[i].erase,
                                         .data = image[0],
                                         .n = cases[i].n};
        assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(1000), NULL, NULL), ERR_ARG);
    }
    uint8_t md5[MD5_BYTES];
    assert_int_equal(flasher_md5(b.f, 0x3ff000, 0x1001, md5), ERR_ARG);
    assert_int_equal(flasher_erase(b.f, 0x100, 0x1000, deadline_in_ms(1000), NULL, NULL), ERR_ARG);
    assert_int_equal(b.m->begins, 0);
}

static void nothing_is_written_before_the_flash_is_attached(void **state)
{
    (void)state;
    const struct flasher_region r = region(0);
    assert_int_equal(flasher_attach(b.f, 0), ERR_CONFLICT);
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_OK);
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(1000), NULL, NULL), ERR_CONFLICT);
    assert_int_equal(b.m->begins, 0);
}

static void erase_leaves_ff_and_the_neighbours(void **state)
{
    (void)state;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(flasher_erase(b.f, 0x80000, 0x13000, deadline_in_ms(60000), NULL, NULL),
                     ERR_OK);
    memset(b.want + 0x80000, 0xff, 0x13000);
    assert_memory_equal(b.want, b.m->flash, MODEL_FLASH);
}

static void reads_come_back_whole_though_an_answer_is_lost(void **state)
{
    (void)state;
    uint8_t out[300] = {0}, md5[MD5_BYTES], want[MD5_BYTES];
    assert_int_equal(bench_connect(), ERR_OK);
    b.m->mute_answer = b.m->answers + 3;
    assert_int_equal(flasher_read(b.f, 0x8001, out, sizeof out, NULL, NULL), ERR_OK);
    assert_memory_equal(out, b.m->flash + 0x8001, sizeof out);
    assert_int_equal(flasher_md5(b.f, 0x8000, 0xc00, md5), ERR_OK);
    digest_md5(b.m->flash + 0x8000, 0xc00, want);
    assert_memory_equal(md5, want, MD5_BYTES);
}

static void look_for_data(enum port_direction dir, const uint8_t *data, size_t n, void *arg)
{
    unsigned *hidden = arg;
    if (dir == PORT_TO_BOARD && !data) (*hidden)++;
    for (size_t i = 0; data && dir == PORT_TO_BOARD && i + 8 <= n; i++)
        assert_memory_not_equal(data + i, image[0] + 100, 8);
}

static void a_secret_region_stays_out_of_the_transcript(void **state)
{
    (void)state;
    unsigned hidden = 0;
    struct flasher_region r = region(0);
    r.secret = true;
    b.m->port.tap = look_for_data;
    b.m->port.tap_arg = &hidden;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL), ERR_OK);
    assert_int_equal(hidden, 1); /* the one data block, and nothing else */
}

static enum err write_large(void)
{
    static uint8_t data[40000];
    const struct flasher_region r = {
        .offset = 0x100000, .erase_bytes = 0xa000, .data = data, .n = sizeof data};
    return flasher_write(b.f, &r, deadline_in_ms(120000), NULL, NULL);
}

static void a_large_write_goes_at_the_flash_speed(void **state)
{
    (void)state;
    tear_down(NULL);
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}, .flash_baud = 921600};
    bench_start(&o);
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(write_all(), ERR_OK);
    assert_int_equal(b.m->port.baud, 115200); /* small ones are not worth it */
    assert_int_equal(write_large(), ERR_OK);
    assert_int_equal(b.m->port.baud, 921600);
    bench_board_is_left_running();
    assert_int_equal(b.m->port.baud, 115200);
}

static void a_speed_that_does_not_hold_is_given_up_for_the_next(void **state)
{
    (void)state;
    tear_down(NULL);
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}, .flash_baud = 921600};
    bench_start(&o);
    b.m->max_baud = 460800;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(write_large(), ERR_OK);
    assert_int_equal(flasher_baud(b.f), 460800);
    assert_int_equal(flasher_slowdowns(b.f), 1);
    assert_int_equal(b.m->resets, 2);
}

static void a_speed_that_the_adapter_does_not_know_is_given_up(void **state)
{
    (void)state;
    tear_down(NULL);
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}, .flash_baud = 921600};
    bench_start(&o);
    b.m->adapter_baud = 460800;
    assert_int_equal(bench_connect(), ERR_OK);
    assert_int_equal(write_large(), ERR_OK);
    assert_int_equal(flasher_baud(b.f), 460800);
    assert_int_equal(flasher_slowdowns(b.f), 1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(three_images_stay_within_the_byte_budget),
        TEST(answers_alone_stay_within_the_byte_budget),
        TEST(connecting_costs_the_reset_pulses_and_two_round_trips),
        TEST(the_write_takes_little_more_than_wire_and_erase),
        TEST(a_silent_rom_log_does_not_stop_it),
        TEST(a_board_in_its_loader_needs_no_reset),
        cmocka_unit_test(a_lost_byte_anywhere_is_recovered),
        cmocka_unit_test(a_flipped_bit_anywhere_is_recovered),
        cmocka_unit_test(a_board_that_resets_itself_anywhere_is_recovered),
        cmocka_unit_test(a_lost_answer_anywhere_is_recovered),
        TEST(a_damaged_block_is_never_sent_again_in_place),
        TEST(a_wrong_md5_writes_the_region_again),
        TEST(a_flash_that_does_not_keep_is_told_after_three_tries),
        TEST(verifying_can_wait_until_all_is_written),
        TEST(a_board_that_always_resets_ends_in_an_error),
        TEST(late_answers_are_waited_for),
        TEST(a_hang_up_is_told_at_once),
        TEST(cancel_in_the_middle_stops_and_the_board_runs_again),
        TEST(the_deadline_of_a_write_is_kept),
        TEST(no_power_is_told),
        TEST(a_wrong_boot_mode_is_told_with_the_boards_words),
        TEST(a_board_that_hears_nothing_is_told),
        TEST(garbage_is_told),
        TEST(bridged_lines_are_told),
        TEST(an_echo_beside_true_answers_is_passed_over),
        TEST(a_firmware_that_is_not_reset_is_told),
        TEST(a_port_without_lines_is_told),
        TEST(without_lines_a_board_in_its_loader_is_taken),
        TEST(a_slow_enable_line_is_reached_by_the_ladder),
        TEST(connect_sees_cancel),
        TEST(identify_reads_the_board),
        TEST(a_damaged_read_of_the_mac_is_not_believed),
        TEST(the_mac_is_read_once),
        TEST(a_flash_without_contact_is_told),
        TEST(a_flash_inside_the_package_is_attached_by_its_pins),
        TEST(a_large_image_goes_in_blocks_and_keeps_its_odd_end),
        TEST(a_damaged_block_of_many_starts_the_region_again),
        TEST(what_does_not_fit_is_refused_before_anything_is_erased),
        TEST(nothing_is_written_before_the_flash_is_attached),
        TEST(erase_leaves_ff_and_the_neighbours),
        TEST(reads_come_back_whole_though_an_answer_is_lost),
        TEST(a_secret_region_stays_out_of_the_transcript),
        TEST(a_large_write_goes_at_the_flash_speed),
        TEST(a_speed_that_does_not_hold_is_given_up_for_the_next),
        TEST(a_speed_that_the_adapter_does_not_know_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
