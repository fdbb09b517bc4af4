/* Event streams without HTTP, over a real store. Run under TSan too. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/stream_hub.h"
#include "service/base/deadline.h"
#include "service/base/log.h"
#include "service/base/thread.h"
#include "tests/unit/store/folder.h"

enum { PATIENCE_MS = 60 * 1000, STREAMS = 4, TEXT = 1 << 20 };

struct bench {
    struct folder folder;
    struct store *store;
    struct stream_hub *hub;
};

/* Who reads a stream; he waits where a connection would be suspended. */
struct client {
    struct stream *stream;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool parked;
    char *text;
    size_t len, step; /* step: how many bytes he reads at a time */
};

static void park(void *arg)
{
    struct client *c = arg;
    pthread_mutex_lock(&c->lock);
    assert_false(c->parked);
    c->parked = true;
    pthread_mutex_unlock(&c->lock);
}

static void resume(void *arg)
{
    struct client *c = arg;
    pthread_mutex_lock(&c->lock);
    assert_true(c->parked);
    c->parked = false;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void client_open(struct client *c, struct bench *b, const struct stream_wish *wish, int fd)
{
    *c = (struct client){.text = calloc(1, TEXT), .step = 512};
    assert_non_null(c->text);
    pthread_mutex_init(&c->lock, NULL);
    thread_cond_init(&c->changed);
    assert_int_equal(stream_open(b->hub, wish, &c->stream), ERR_OK);
    const struct stream_host host = {.park = park, .resume = resume, .arg = c, .fd = fd};
    stream_bind(c->stream, &host);
}

/* @return false when it never was */
static bool client_wait(struct client *c)
{
    struct deadline until = deadline_in_ms(PATIENCE_MS);
    pthread_mutex_lock(&c->lock);
    while (c->parked && !deadline_passed(until))
        thread_wait_until(&c->changed, &c->lock, until);
    bool resumed = !c->parked;
    pthread_mutex_unlock(&c->lock);
    return resumed;
}

/* Parked, it would be the hub's; a sign of life wakes it. */
static void client_close(struct client *c)
{
    assert_true(client_wait(c));
    stream_close(c->stream);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c->text);
}

/* Read from when there is something until it parks again. @return false at its end */
static bool client_read(struct client *c)
{
    assert_true(client_wait(c));
    for (;;) {
        assert_true(c->len + c->step < TEXT);
        ssize_t n = stream_read(c->stream, c->text + c->len, c->step);
        if (n == STREAM_END) return false;
        if (n == 0) return true;
        c->len += (size_t)n;
        c->text[c->len] = '\0';
    }
}

/* Read until this has come. */
static void client_read_until(struct client *c, const char *what)
{
    while (client_read(c) && !strstr(c->text, what))
        ;
    assert_non_null(strstr(c->text, what));
}

static void client_read_to_end(struct client *c)
{
    while (client_read(c))
        ;
}

static void told(const struct job_record *job, const struct event_record *event, void *arg)
{
    (void)job;
    stream_hub_publish(arg, event);
}

static int set_up(void **state)
{
    static struct bench b;
    static const struct stream_limits limits = {STREAMS, STREAMS - 1, 10};
    b = (struct bench){.store = NULL};
    log_set_level(LOG_ERROR);
    assert_int_equal(folder_make(&b.folder), 0);
    assert_int_equal(store_open(b.folder.path, &b.store), ERR_OK);
    assert_int_equal(stream_hub_new(&limits, &b.hub), ERR_OK);
    store_listen(b.store, told, b.hub);
    *state = &b;
    return 0;
}

static int set_up_serving(void **state)
{
    set_up(state);
    struct bench *b = *state;
    return stream_hub_serve(b->hub, b->store, NULL) ? -1 : 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    stream_hub_close(b->hub);
    assert_int_equal(stream_hub_count(b->hub), 0);
    store_close(b->store);
    stream_hub_free(b->hub);
    folder_remove(&b->folder);
    return 0;
}

static void add(struct bench *b, const char *slot)
{
    struct event_record e;
    assert_int_equal(event_of_bench("slot.changed", slot, "stored", &e), ERR_OK);
    assert_int_equal(store_event_add(b->store, &e), ERR_OK);
    event_record_dispose(&e);
}

static void job_says(struct bench *b, const char *id, const char *type)
{
    static struct job_record r = {.kind = "at", .slot = "s", .state = JOB_RUNNING};
    struct event_record e;
    snprintf(r.id, sizeof r.id, "%s", id);
    assert_int_equal(event_of_job(&r, type, &e), ERR_OK);
    if (strcmp(type, "job.progress") == 0)
        stream_hub_publish(b->hub, &e);
    else
        assert_int_equal(store_event_add(b->store, &e), ERR_OK);
    event_record_dispose(&e);
}

/* The ids in a text. @return whether they are @p first to @p last, each once and in order */
static bool ids_are(const char *text, int64_t first, int64_t last)
{
    int64_t next = first;
    for (const char *at = text; (at = strstr(at, "id: ")); at += 4)
        if (strtoll(at + 4, NULL, 10) != next++) return false;
    return next == last + 1;
}

static void a_stream_tells_what_happens_from_now_on(void **state)
{
    struct bench *b = *state;
    struct client c;
    add(b, "before");
    client_open(&c, b, &(struct stream_wish){.after = STREAM_FROM_NOW}, -1);
    assert_true(client_read(&c));
    assert_int_equal(strncmp(c.text, "retry: ", 7), 0);
    assert_null(strstr(c.text, "event:"));
    add(b, "a");
    job_says(b, "job_1", "job.progress");
    add(b, "b");
    client_read_until(&c, "id: 3\n");
    assert_true(ids_are(c.text, 2, 3));
    const char *progress = strstr(c.text, "\n\nevent: job.progress\ndata: {\"job\":\"job_1\",");
    assert_true(progress && progress > strstr(c.text, "id: 2"));
    assert_non_null(strstr(c.text, "event: slot.changed\ndata: {\"slot\":\"b\","));
    client_close(&c);
}

struct crowd {
    struct bench *bench;
    int count;
};

static void *write_many(void *arg)
{
    const struct crowd *w = arg;
    for (int i = 0; i < w->count; i++)
        add(w->bench, "s");
    return NULL;
}

/* It begins in the store while the ring goes on. */
static void a_client_that_comes_back_misses_nothing_and_hears_nothing_twice(void **state)
{
    struct bench *b = *state;
    struct client c[3];
    pthread_t writer;
    struct crowd crowd = {b, 300};
    for (int i = 0; i < 200; i++)
        add(b, "s");
    assert_int_equal(stream_hub_serve(b->hub, b->store, NULL), ERR_OK);
    pthread_create(&writer, NULL, write_many, &crowd);
    for (int i = 0; i < 3; i++)
        client_open(&c[i], b, &(struct stream_wish){.after = i * 50}, -1);
    for (int i = 0; i < 3; i++) {
        client_read_until(&c[i], "id: 500\n");
        assert_true(ids_are(c[i].text, i * 50 + 1, 500));
        client_close(&c[i]);
    }
    pthread_join(writer, NULL);
}

/* As after a restart on an older copy of the data. */
static void an_id_that_was_never_given_means_from_now_on(void **state)
{
    struct bench *b = *state;
    struct client c;
    add(b, "s");
    client_open(&c, b, &(struct stream_wish){.after = 1000}, -1);
    assert_true(client_read(&c));
    add(b, "s");
    client_read_until(&c, "id: 2\n");
    assert_true(ids_are(c.text, 2, 2));
    client_close(&c);
}

static void only_what_was_asked_for_is_told(void **state)
{
    struct bench *b = *state;
    struct client slot, type;
    client_open(&slot, b, &(struct stream_wish){.slot = "left"}, -1);
    const unsigned bit = event_type_bit("job.queued");
    client_open(&type, b, &(struct stream_wish){.types = bit}, -1);
    add(b, "right");
    add(b, "left");
    job_says(b, "job_1", "job.queued");
    add(b, "left");
    client_read_until(&slot, "id: 4\n");
    assert_null(strstr(slot.text, "right"));
    assert_null(strstr(slot.text, "job_1"));
    client_read_until(&type, "id: 3\n");
    assert_null(strstr(type.text, "slot.changed"));
    client_close(&slot);
    client_close(&type);
}

static void a_jobs_stream_ends_with_the_job(void **state)
{
    struct bench *b = *state;
    struct client all, some, late;
    const unsigned bit = event_type_bit("job.queued");
    client_open(&all, b, &(struct stream_wish){.job = "job_1"}, -1);
    client_open(&some, b, &(struct stream_wish){.job = "job_1", .types = bit}, -1);
    job_says(b, "job_1", "job.queued");
    job_says(b, "job_2", "job.queued");
    job_says(b, "job_2", "job.ended");
    job_says(b, "job_1", "job.ended");
    job_says(b, "job_1", "job.progress"); /* late: nobody hears it */
    client_read_to_end(&all);
    assert_null(strstr(all.text, "job_2"));
    assert_null(strstr(all.text, "progress"));
    assert_non_null(strstr(all.text, "event: job.ended"));
    client_read_to_end(&some);
    assert_non_null(strstr(some.text, "event: job.queued"));
    assert_null(strstr(some.text, "job.ended"));
    client_open(&late, b, &(struct stream_wish){.job = "job_1", .finite = true}, -1);
    assert_false(client_read(&late));
    assert_string_equal(strstr(late.text, "id: "), strstr(all.text, "id: "));
    client_close(&all);
    client_close(&some);
    client_close(&late);
}

/* Its end is not in the store: it was kept too long ago. */
static void a_stream_of_what_is_over_ends_though_no_end_is_told(void **state)
{
    struct bench *b = *state;
    struct client c;
    job_says(b, "job_1", "job.queued");
    client_open(&c, b, &(struct stream_wish){.job = "job_1", .finite = true}, -1);
    assert_false(client_read(&c));
    assert_non_null(strstr(c.text, "event: job.queued"));
    client_close(&c);
}

static void who_falls_out_of_the_ring_is_ended_and_comes_back(void **state)
{
    struct bench *b = *state;
    struct client c;
    client_open(&c, b, &(struct stream_wish){.after = 0}, -1);
    assert_true(client_read(&c)); /* he has caught up */
    add(b, "s");
    assert_true(client_wait(&c));
    assert_int_equal(stream_read(c.stream, c.text, TEXT),
                     strlen("id: 1\nevent: slot.changed\ndata: "
                            "{\"slot\":\"s\",\"change\":"
                            "\"stored\",\"at\":\"2026-01-01T"
                            "00:00:00.000Z\"}\n\n"));
    struct crowd crowd = {b, 2500};
    write_many(&crowd);
    assert_int_equal(stream_read(c.stream, c.text, TEXT), STREAM_END);
    client_close(&c);
    client_open(&c, b, &(struct stream_wish){.after = 1}, -1);
    client_read_until(&c, "id: 2501\n");
    assert_true(ids_are(c.text, 2, 2501));
    client_close(&c);
}

static void a_small_buffer_gets_a_long_event_in_pieces(void **state)
{
    struct bench *b = *state;
    struct client c;
    client_open(&c, b, &(struct stream_wish){.after = STREAM_FROM_NOW}, -1);
    c.step = 7;
    assert_true(client_read(&c));
    add(b, "a");
    add(b, "b");
    client_read_until(&c, "id: 2\n");
    assert_true(ids_are(c.text, 1, 2));
    assert_non_null(strstr(c.text, "Z\"}\n\nid: 2"));
    client_close(&c);
}

static void streams_are_counted(void **state)
{
    struct bench *b = *state;
    struct client c[STREAMS];
    struct stream *more;
    struct stream_wish here = {.address = "10.0.0.1"}, there = {.address = "10.0.0.2"};
    for (int i = 0; i < STREAMS - 1; i++)
        client_open(&c[i], b, &here, -1);
    assert_int_equal(stream_open(b->hub, &here, &more), ERR_BUSY);
    assert_string_equal(err_last()->code, "too_many_streams");
    client_open(&c[STREAMS - 1], b, &there, -1);
    assert_int_equal(stream_open(b->hub, &there, &more), ERR_BUSY);
    assert_string_equal(err_last()->code, "too_many_streams");
    client_close(&c[0]);
    client_open(&c[0], b, &here, -1);
    for (int i = 0; i < STREAMS; i++)
        client_close(&c[i]);
}

static void a_quiet_stream_gives_signs_of_life(void **state)
{
    struct bench *b = *state;
    struct client c;
    client_open(&c, b, &(struct stream_wish){.after = STREAM_FROM_NOW}, -1);
    client_read_until(&c, "\n\n:\n\n");
    client_close(&c);
}

/* Nobody else looks at the socket of a stream that has nothing to say. */
static void a_client_that_has_gone_is_written_to(void **state)
{
    struct bench *b = *state;
    struct client c;
    int fds[2];
    static const struct stream_limits quiet = {1, 1, (int64_t)3600 * 1000};
    struct stream_hub *own = b->hub;
    assert_int_equal(stream_hub_new(&quiet, &b->hub), ERR_OK);
    assert_int_equal(stream_hub_serve(b->hub, b->store, NULL), ERR_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    client_open(&c, b, &(struct stream_wish){.after = STREAM_FROM_NOW}, fds[0]);
    assert_true(client_read(&c));
    close(fds[1]);
    client_read_until(&c, "\n\n:\n\n");
    client_close(&c);
    close(fds[0]);
    stream_hub_free(b->hub);
    b->hub = own;
}

static void a_stream_ends_with_its_token(void **state)
{
    struct bench *b = *state;
    struct tokens *tokens;
    struct token_record good, gone;
    struct client c[2];
    char text[TOKEN_TEXT];
    struct token_order order = {
        .name = "a", .scope = SCOPE_VIEWER, .certificate_sha256 = "", .created_by = ""};
    struct stream_wish wish = {.after = 0};
    assert_int_equal(tokens_open(b->store, &tokens), ERR_OK);
    assert_int_equal(tokens_issue(tokens, &order, text, &good), ERR_OK);
    order.lifetime_s = -1;
    assert_int_equal(tokens_issue(tokens, &order, text, &gone), ERR_OK);
    assert_int_equal(stream_hub_serve(b->hub, b->store, tokens), ERR_OK);
    memcpy(wish.token, good.id, sizeof wish.token);
    client_open(&c[0], b, &wish, -1);
    memcpy(wish.token, gone.id, sizeof wish.token);
    client_open(&c[1], b, &wish, -1);
    client_read_to_end(&c[1]);
    client_read_until(&c[0], "\n\n:\n\n");
    assert_int_equal(tokens_revoke(tokens, good.id), ERR_OK);
    client_read_to_end(&c[0]);
    for (int i = 0; i < 2; i++)
        client_close(&c[i]);
    tokens_close(tokens);
}

static void at_the_end_all_streams_end(void **state)
{
    struct bench *b = *state;
    struct client parked, fresh;
    struct stream *more;
    client_open(&parked, b, &(struct stream_wish){.after = 0}, -1);
    client_open(&fresh, b, &(struct stream_wish){.after = 0}, -1);
    assert_true(client_read(&parked));
    stream_hub_close(b->hub);
    assert_false(client_read(&parked));
    assert_false(client_read(&fresh));
    assert_int_equal(stream_open(b->hub, &(struct stream_wish){.after = 0}, &more), ERR_CONFLICT);
    assert_string_equal(err_last()->code, "shutting_down");
    client_close(&parked);
    client_close(&fresh);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_serving, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_tells_what_happens_from_now_on),
        cmocka_unit_test_setup_teardown(
            a_client_that_comes_back_misses_nothing_and_hears_nothing_twice, set_up, tear_down),
        TEST(an_id_that_was_never_given_means_from_now_on),
        TEST(only_what_was_asked_for_is_told),
        TEST(a_jobs_stream_ends_with_the_job),
        TEST(a_stream_of_what_is_over_ends_though_no_end_is_told),
        TEST(who_falls_out_of_the_ring_is_ended_and_comes_back),
        TEST(a_small_buffer_gets_a_long_event_in_pieces),
        TEST(streams_are_counted),
        TEST(a_quiet_stream_gives_signs_of_life),
        TEST(a_client_that_has_gone_is_written_to),
        cmocka_unit_test_setup_teardown(a_stream_ends_with_its_token, set_up, tear_down),
        TEST(at_the_end_all_streams_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
