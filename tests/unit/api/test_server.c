/* The server through real sockets: what depends on time, on several threads, or on the end of the
 * service. How it answers is in tests/contract. */
#include "tests/unit/api/fixture_client.h"

#include <stdatomic.h>

static void get(int fd, const char *path)
{
    char text[256];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
             path);
    send_text(fd, text);
}

static void wait_for_job(int fd, const char *id)
{
    char path[96];
    snprintf(path, sizeof path, "/v1/jobs/%s?wait=60", id);
    get(fd, path);
}

static void a_waiting_request_is_answered_when_its_job_ends(void **state)
{
    (void)state;
    char id[ID_TEXT], answer[4096];
    struct job_record job;
    bench_start(&bench, run_until_stopped, &usual);
    order(&bench, "ttyTEST0", id);
    int fd[4];
    for (int i = 0; i < 4; i++) {
        fd[i] = dial();
        wait_for_job(fd[i], id);
    }
    assert_int_equal(jobs_cancel(bench.jobs, id, &job), ERR_OK);
    job_record_dispose(&job);
    for (int i = 0; i < 4; i++) {
        read_to_end(fd[i], answer, sizeof answer);
        assert_int_equal(status_of_answer(answer), 200);
        assert_non_null(strstr(answer, "\"state\":\"cancelled\""));
    }
    bench_stop(&bench);
}

/* Until so many jobs have been taken on. */
static void until_ordered(size_t count)
{
    struct deadline until = deadline_in_ms(PATIENCE_MS);
    for (size_t n = 0; n < count;) {
        struct job_record *list;
        assert_int_equal(store_job_list(bench.store, &(struct job_filter){.slot = ""},
                                        &(struct store_page){.limit = 100}, &list, &n),
                         ERR_OK);
        for (size_t i = 0; i < n; i++)
            job_record_dispose(&list[i]);
        free(list);
        assert_false(deadline_passed(until));
        poll(NULL, 0, 5);
    }
}

static void stopping_answers_those_who_wait(void **state)
{
    (void)state;
    enum { GETS = 6, POSTS = 6 };
    char id[ID_TEXT], answer[4096], text[512];
    static const char body[] = "{\"kind\":\"reset\",\"slot\":\"ttyTEST0\"}";
    int gets[GETS], posts[POSTS];
    bench_start(&bench, run_until_stopped, &usual);
    order(&bench, "ttyTEST0", id);
    for (int i = 0; i < GETS; i++) {
        gets[i] = dial();
        wait_for_job(gets[i], id);
    }
    for (int i = 0; i < POSTS; i++) {
        posts[i] = dial();
        snprintf(
            text, sizeof text,
            "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nPrefer: wait=60\r\n"
            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
            sizeof body - 1, body);
        send_text(posts[i], text);
    }
    until_ordered(1 + POSTS);
    server_stop(bench.server);
    for (int i = 0; i < GETS; i++) {
        /* one that was not yet read is closed without an answer */
        size_t n = read_to_end(gets[i], answer, sizeof answer);
        if (n) assert_int_equal(status_of_answer(answer), 503);
    }
    for (int i = 0; i < POSTS; i++) {
        /* a job that was taken on is told, whatever happens */
        read_to_end(posts[i], answer, sizeof answer);
        assert_int_equal(status_of_answer(answer), 202);
        assert_non_null(strstr(answer, "Location: /v1/jobs/job_"));
    }
    bench_stop(&bench);
}

static void a_connection_where_nothing_happens_is_closed(void **state)
{
    (void)state;
    static const char *const halves[] = {
        "GET /healthz HT",
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 100\r\n\r\n{\"kind\":",
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"ki",
    };
    enum { HALVES = sizeof halves / sizeof *halves };
    char answer[1024];
    int fd[HALVES];
    struct server_config hasty = usual;
    hasty.idle_s = 1;
    bench_start(&bench, run_nothing, &hasty);
    for (int i = 0; i < HALVES; i++) {
        fd[i] = dial();
        send_text(fd[i], halves[i]);
    }
    for (int i = 0; i < HALVES; i++)
        read_to_end(fd[i], answer, sizeof answer);
    bench_stop(&bench);
}

static void a_head_that_drips_is_cut_off(void **state)
{
    (void)state;
    struct server_config hasty = usual;
    hasty.idle_s = 1;
    bench_start(&bench, run_nothing, &hasty);
    int fd = dial();
    /* never idle for long, and yet never at its end */
    send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Drip: ");
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 20) == 0)
        (void)send(fd, "x", 1, MSG_NOSIGNAL);
    char c;
    assert_true(recv(fd, &c, 1, 0) <= 0);
    close(fd);
    bench_stop(&bench);
}

static void a_body_that_drips_is_cut_off(void **state)
{
    (void)state;
    struct server_config hasty = usual;
    hasty.body_s = 1;
    bench_start(&bench, run_nothing, &hasty);
    int fd = dial();
    send_text(fd, "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  "Content-Length: 100000\r\n\r\n");
    /* never idle for long, and yet it ends before the body does */
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int sent = 0;
    while (poll(&p, 1, 20) == 0 && sent < 100000)
        sent += send(fd, " ", 1, MSG_NOSIGNAL) == 1;
    assert_true(sent < 99999);
    char c;
    assert_true(recv(fd, &c, 1, 0) <= 0);
    close(fd);
    bench_stop(&bench);
}

/* The same upload, byte for byte in chunks of @p step. */
static size_t upload_in_chunks(const char *body, size_t n, size_t step, char *answer, size_t cap)
{
    int fd = dial();
    char size[16];
    send_text(fd, "POST /v1/images/atpki HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                  "Content-Type: multipart/form-data; boundary=b\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < n; at += step) {
        size_t len = n - at < step ? n - at : step;
        snprintf(size, sizeof size, "%zx\r\n", len);
        send_text(fd, size);
        send_all(fd, body + at, len);
        send_text(fd, "\r\n");
    }
    send_text(fd, "0\r\n\r\n");
    return read_to_end(fd, answer, cap);
}

static void how_an_upload_is_cut_does_not_matter(void **state)
{
    (void)state;
    static char body[4096], first[8192], answer[8192];
    static const size_t steps[] = {4096, 1, 2, 3, 7, 64, 1000};
    size_t n = (size_t)snprintf(body, sizeof body,
                                "--b\r\nContent-Disposition: form-data; name=\"ca\"\r\n\r\n");
    for (int i = 0; i < 700; i++)
        body[n++] = (char)i;
    n += (size_t)snprintf(body + n, sizeof body - n,
                          "\r\n--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n"
                          "\r\n--bx\r\n\r\n--b--\r\n");
    bench_start(&bench, run_nothing, &usual);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char *to = i ? answer : first;
        size_t len = upload_in_chunks(body, n, steps[i], to, sizeof answer);
        assert_int_equal(status_of_answer(to), 200);
        const char *image = strstr(to, "\r\n\r\n");
        const char *same = strstr(first, "\r\n\r\n");
        assert_non_null(image);
        assert_memory_equal(image, same, len - (size_t)(image - to));
    }
    bench_stop(&bench);
}

static void a_taken_address_is_told_in_words(void **state)
{
    (void)state;
    struct server *second;
    bench_start(&bench, run_nothing, &usual);
    struct server_config same = usual;
    same.port = server_port(bench.server);
    assert_int_equal(server_new(&second), ERR_OK);
    assert_int_equal(server_start(second, &same, &bench.service), ERR_IO);
    assert_string_equal(err_last()->code, "listen_failed");
    same.address = "localhost";
    assert_int_equal(server_start(second, &same, &bench.service), ERR_IO);
    assert_string_equal(err_last()->code, "listen_failed");
    server_stop(second);
    server_free(second);
    bench_stop(&bench);
}

static enum err listen_on(const char *address, bool open, bool insecure)
{
    struct server *server;
    struct server_config cfg = {.address = address, .open = open, .insecure = insecure};
    assert_int_equal(server_new(&server), ERR_OK);
    enum err e = server_listen(server, &cfg);
    server_free(server);
    return e;
}

static void where_strangers_come_in_it_does_not_listen_without_tls_or_tokens(void **state)
{
    (void)state;
    for (int open = 0; open < 2; open++) {
        assert_int_equal(listen_on("0.0.0.0", open, false), ERR_ARG);
        assert_string_equal(err_last()->code, "unsafe_listener");
        assert_int_equal(listen_on("::", open, false), ERR_ARG);
        assert_int_equal(listen_on("0.0.0.0", open, true), ERR_OK);
        assert_int_equal(listen_on("127.0.0.1", open, false), ERR_OK);
    }
}

/* --- no key stays behind --- */

enum { MARK = 40, MASK = 0x55, COPIES = 100, PREFACE = 3000 };

static void make_mark(char out[MARK], char mask)
{
    for (int i = 0; i < MARK; i++)
        out[i] = (char)(("the key that nobody may find again later")[i] ^ mask);
}

static bool region_has_mark(int mem, uintptr_t from, uintptr_t to, const char masked[MARK])
{
    static char page[65536 + MARK];
    bool found = false;
    for (uintptr_t at = from; at < to && !found; at += 65536) {
        size_t want = to - at < sizeof page ? to - at : sizeof page;
        ssize_t got = pread(mem, page, want, (off_t)at);
        const char *end = page + (got > MARK ? got - MARK + 1 : 0);
        for (const char *p = page; p < end && !found; p++) {
            p = memchr(p, masked[0] ^ MASK, (size_t)(end - p));
            if (!p) break;
            int k = 0;
            while (k < MARK && (char)(p[k] ^ MASK) == masked[k])
                k++;
            found = k == MARK;
        }
        explicit_bzero(page, sizeof page); /* or it would find its own copy */
    }
    return found;
}

/* Look through all that this process can write to. */
static bool memory_has_mark(const char masked[MARK])
{
    char line[512];
    bool found = false;
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (!found && fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char how[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, how) != 3) continue;
        if (how[1] != 'w' || to - from > 64UL << 20) continue; /* larger ones are a sanitizer's */
        found = region_has_mark(mem, from, to, masked);
    }
    fclose(maps);
    close(mem);
    return found;
}

/* The end of an answer reaches the client before the server has done with the request. */
static void assert_mark_goes(const char masked[MARK])
{
    struct deadline most = deadline_in_ms(PATIENCE_MS);
    bool there = memory_has_mark(masked);
    while (there && !deadline_passed(most))
        there = memory_has_mark(masked);
    assert_false(there);
}

/* The mark many times over behind a long preface, so that what comes later does not overwrite it by
 * chance. */
static size_t make_body(char *out, size_t cap, const char *before, const char *after)
{
    char mark[MARK];
    size_t n = (size_t)snprintf(out, cap, "%s", before);
    make_mark(mark, 0);
    for (int i = 0; i < COPIES; i++, n += MARK)
        memcpy(out + n, mark, MARK);
    explicit_bzero(mark, sizeof mark);
    return n + (size_t)snprintf(out + n, cap - n, "%s", after);
}

static void post_mark(const char *type, const char *before, const char *after, bool chunked)
{
    static char body[16384];
    char head[512], answer[8192];
    size_t n = make_body(body, sizeof body, before, after);
    int fd = dial();
    snprintf(head, sizeof head,
             "POST /v1/credentials HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
             "Content-Type: %s\r\n",
             type);
    send_text(fd, head);
    if (chunked)
        snprintf(head, sizeof head, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", n);
    else
        snprintf(head, sizeof head, "Content-Length: %zu\r\n\r\n", n);
    send_text(fd, head);
    send_all(fd, body, n);
    if (chunked) send_text(fd, "\r\n0\r\n\r\n");
    explicit_bzero(body, sizeof body);
    read_to_end(fd, answer, sizeof answer);
    assert_int_equal(status_of_answer(answer), 422);
    assert_null(strstr(answer, "nobody may find"));
}

static void no_key_stays_in_memory(void **state)
{
    (void)state;
    char masked[MARK];
    make_mark(masked, MASK);
    bench_start(&bench, run_nothing, &usual);
    static char json[PREFACE + 256], form[PREFACE + 256];
    static const char form_end[] = "\n-----END PRIVATE KEY-----\n\r\n--b--\r\n";
    snprintf(json, sizeof json, "{%*s\"certificate\":\"x\",\"root_ca\":\"y\",\"private_key\":\"%s",
             PREFACE, "", "-----BEGIN PRIVATE KEY-----\\n");
    snprintf(form, sizeof form,
             "%*s\r\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n%s", PREFACE, "",
             "-----BEGIN PRIVATE KEY-----\n");
    for (int chunked = 0; chunked < 2; chunked++) {
        post_mark("application/json", json, "\"}", chunked);
        assert_mark_goes(masked);
        post_mark("multipart/form-data; boundary=b", form, form_end, chunked);
        assert_mark_goes(masked);
    }
    /* the search does find what is there */
    char mark[MARK];
    char *there = malloc(MARK);
    make_mark(mark, 0);
    memcpy(there, mark, MARK);
    explicit_bzero(mark, sizeof mark);
    assert_true(memory_has_mark(masked));
    explicit_bzero(there, MARK);
    free(there);
    bench_stop(&bench);
}

/* Until the request with this token was let in. */
static void until_used(const char *id)
{
    struct deadline until = deadline_in_ms(PATIENCE_MS);
    struct token_record token;
    do {
        assert_false(deadline_passed(until));
        poll(NULL, 0, 5);
        assert_int_equal(tokens_get(bench.tokens, id, &token), ERR_OK);
    } while (!token.used_ms);
}

/* @param masked_out  what must be found nowhere: its text, masked  @return the request */
static int wait_with_token(const char *job, char masked_out[MARK], struct token_record *token_out)
{
    const struct token_order order = {
        .name = "test", .scope = SCOPE_VIEWER, .certificate_sha256 = "", .created_by = ""};
    char text[TOKEN_TEXT], head[512];
    int fd = dial();
    assert_int_equal(tokens_issue(bench.tokens, &order, text, token_out), ERR_OK);
    for (int i = 0; i < MARK; i++)
        masked_out[i] = (char)(text[i] ^ MASK);
    snprintf(head, sizeof head,
             "GET /v1/jobs/%s?wait=60 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
             "Authorization: Bearer %s\r\n\r\n",
             job, text);
    explicit_bzero(text, sizeof text);
    send_text(fd, head);
    explicit_bzero(head, sizeof head);
    return fd;
}

static void no_token_stays_in_memory_while_its_request_waits(void **state)
{
    (void)state;
    char id[ID_TEXT], answer[4096], masked[MARK];
    const struct server_config closed = {.address = "127.0.0.1"};
    struct token_record token;
    struct job_record job;
    bench_start(&bench, run_until_stopped, &closed);
    order(&bench, "ttyTEST0", id);
    int fd = wait_with_token(id, masked, &token);
    until_used(token.id);
    assert_mark_goes(masked);
    assert_int_equal(jobs_cancel(bench.jobs, id, &job), ERR_OK);
    job_record_dispose(&job);
    read_to_end(fd, answer, sizeof answer);
    assert_int_equal(status_of_answer(answer), 200);
    bench_stop(&bench);
}

/* --- many clients at once --- */

enum { CLIENTS = 4, ROUNDS = 12 };

static void *client_main(void *arg)
{
    int *good = arg;
    char text[512], answer[4096];
    static const char body[] = "{\"kind\":\"reset\",\"slot\":\"ttyTEST0\"}";
    for (int i = 0; i < ROUNDS; i++) {
        int fd = dial();
        snprintf(
            text, sizeof text,
            "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nPrefer: wait=60\r\n"
            "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
            sizeof body - 1, body);
        send_text(fd, text);
        read_to_end(fd, answer, sizeof answer);
        *good += status_of_answer(answer) == 200 && strstr(answer, "\"state\":\"succeeded\"");
        fd = dial();
        get(fd, "/v1/jobs?limit=3");
        read_to_end(fd, answer, sizeof answer);
        *good += status_of_answer(answer) == 200;
    }
    return NULL;
}

static void many_clients_wait_for_many_jobs(void **state)
{
    (void)state;
    pthread_t threads[CLIENTS];
    int good[CLIENTS] = {0};
    bench_start(&bench, run_nothing, &usual);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, client_main, &good[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(good[i], 2 * ROUNDS);
    }
    bench_stop(&bench);
}

/* --- the end, while clients come and go --- */

enum { STOPS = 60, PESTS = 3 };

static atomic_int open_port; /* 0: closed for now; -1: for ever */

/* One request after the other, whatever comes of it. */
static void *pester(void *arg)
{
    static const char *const requests[] = {
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=60\r\nContent-Type: "
        "application/json\r\n"
        "Content-Length: 34\r\n\r\n{\"kind\":\"reset\",\"slot\":\"ttyTEST0\"}",
        "GET /v1/slots HTT",
    };
    const char *text = requests[*(int *)arg];
    int port;
    while ((port = atomic_load(&open_port)) >= 0) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        struct timeval hurry = {.tv_usec = 5000}; /* some leave before they are answered */
        char answer[512];
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &hurry, sizeof hurry);
        if (port && connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
            send(fd, text, strlen(text), MSG_NOSIGNAL) > 0)
            recv(fd, answer, sizeof answer, 0);
        close(fd);
    }
    return NULL;
}

static void start_and_stop(int ms)
{
    struct server *s;
    assert_int_equal(server_new(&s), ERR_OK);
    assert_int_equal(server_start(s, &usual, &bench.service), ERR_OK);
    atomic_store(&open_port, server_port(s));
    poll(NULL, 0, ms);
    server_stop(s); /* while they are at it */
    atomic_store(&open_port, 0);
    server_free(s);
}

static void it_stops_cleanly_while_clients_come_and_go(void **state)
{
    (void)state;
    pthread_t threads[PESTS];
    int which[PESTS];
    bench_start(&bench, run_until_stopped, NULL);
    for (int round = 0; round < 2; round++) {
        atomic_store(&open_port, 0);
        for (int i = 0; i < PESTS; i++) {
            which[i] = round ? i : 0;
            assert_int_equal(pthread_create(&threads[i], NULL, pester, &which[i]), 0);
        }
        for (int i = 0; i < STOPS; i++)
            start_and_stop(i % 4);
        atomic_store(&open_port, -1);
        for (int i = 0; i < PESTS; i++)
            pthread_join(threads[i], NULL);
    }
    bench_stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waiting_request_is_answered_when_its_job_ends),
        cmocka_unit_test(stopping_answers_those_who_wait),
        cmocka_unit_test(a_connection_where_nothing_happens_is_closed),
        cmocka_unit_test(a_head_that_drips_is_cut_off),
        cmocka_unit_test(a_body_that_drips_is_cut_off),
        cmocka_unit_test(how_an_upload_is_cut_does_not_matter),
        cmocka_unit_test(a_taken_address_is_told_in_words),
        cmocka_unit_test(where_strangers_come_in_it_does_not_listen_without_tls_or_tokens),
        cmocka_unit_test(no_key_stays_in_memory),
        cmocka_unit_test(no_token_stays_in_memory_while_its_request_waits),
        cmocka_unit_test(many_clients_wait_for_many_jobs),
        cmocka_unit_test(it_stops_cleanly_while_clients_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
