/* Bodies that go to the disk, through real sockets: a disk that is full, the end of the service,
 * and several at a time. What is made of them is in tests/flow. */
#include "tests/unit/api/fixture_client.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "service/base/file.h"
#include "service/base/limits.h"

enum { ROOM = 1 << 30 };

static atomic_long room = ROOM; /* bytes until the disk is full */

/* Stands before the C library's. */
ssize_t write(int fd, const void *data, size_t n)
{
    struct stat st;
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (is_file && atomic_fetch_sub(&room, (long)n) < (long)n) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, fd, data, n);
}

static int start(void **state)
{
    (void)state;
    bench_start(&bench, run_nothing, &usual);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bench_stop(&bench);
    return 0;
}

/* How many folders are on the shelf. */
static int shelf_count(void)
{
    char path[96];
    int n = 0;
    snprintf(path, sizeof path, "%s/firmware", bench.dir);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static int open_upload(size_t n, const char *field)
{
    char head[256];
    int fd = dial();
    snprintf(head, sizeof head,
             "POST /v1/firmware HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s"
             "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
             field, n);
    send_text(fd, head);
    return fd;
}

/* @return the status; the rest is in @p answer */
static int upload(const char *data, size_t n, char *answer, size_t cap)
{
    int fd = open_upload(n, "");
    send_all(fd, data, n);
    read_to_end(fd, answer, cap);
    return status_of_answer(answer);
}

static void a_full_disk_is_told_however_much_was_sent(void **state)
{
    (void)state;
    enum { BYTES = 3 << 20 };
    char answer[4096];
    char *data = calloc(1, BYTES);
    assert_non_null(data);
    for (int after = 0; after < 2; after++) {
        int fd = open_upload(BYTES, "");
        if (after) send_all(fd, data, BYTES / 2);
        atomic_store(&room, 0);
        send_all(fd, data, after ? BYTES - BYTES / 2 : BYTES);
        read_to_end(fd, answer, sizeof answer);
        assert_int_equal(status_of_answer(answer), 507);
        assert_non_null(strstr(answer, "\"code\":\"disk_full\""));
        assert_int_equal(shelf_count(), 0);
        atomic_store(&room, ROOM);
    }
    assert_int_equal(upload(data, BYTES, answer, sizeof answer), 201);
    assert_int_equal(shelf_count(), 1);
    free(data);
}

static void a_disk_that_is_full_when_a_zip_is_unpacked_is_told_too(void **state)
{
    (void)state;
    char answer[4096];
    struct buf zip;
    buf_init(&zip, 65536);
    assert_int_equal(file_read("tests/fuzz/corpus/firmware/release_line", &zip), ERR_OK);
    atomic_store(&room, (long)zip.len);
    assert_int_equal(upload((const char *)zip.data, zip.len, answer, sizeof answer), 507);
    assert_int_equal(shelf_count(), 0);
    atomic_store(&room, ROOM);
    assert_int_equal(upload((const char *)zip.data, zip.len, answer, sizeof answer), 201);
    buf_dispose(&zip);
}

static void the_end_leaves_nothing_half_made(void **state)
{
    (void)state;
    int fd[LIMIT_STREAMS];
    char answer[4096];
    for (int i = 0; i < LIMIT_STREAMS; i++) {
        fd[i] = open_upload(1000, "Expect: 100-continue\r\n");
        assert_true(recv(fd[i], answer, sizeof answer, 0) > 0);
        send_text(fd[i], "the beginning");
    }
    assert_int_equal(shelf_count(), LIMIT_STREAMS);
    server_stop(bench.server);
    assert_int_equal(shelf_count(), 0);
    for (int i = 0; i < LIMIT_STREAMS; i++)
        close(fd[i]);
}

enum { CLIENTS = 4, ROUNDS = 8 };

/* Every client sends the same files in the same order. */
static void *client_main(void *arg)
{
    int *made = arg;
    char data[2000], answer[4096];
    for (int i = 0; i < ROUNDS; i++) {
        memset(data, i, sizeof data);
        int status = upload(data, sizeof data, answer, sizeof answer);
        if (status != 200 && status != 201) *made = -1000;
        *made += status == 201;
    }
    return NULL;
}

static void of_many_that_send_the_same_one_is_first(void **state)
{
    (void)state;
    pthread_t threads[CLIENTS];
    int made[CLIENTS] = {0}, sum = 0;
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, client_main, &made[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        sum += made[i];
    }
    assert_int_equal(sum, ROUNDS);
    assert_int_equal(shelf_count(), ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_is_told_however_much_was_sent, start, stop),
        cmocka_unit_test_setup_teardown(a_disk_that_is_full_when_a_zip_is_unpacked_is_told_too,
                                        start, stop),
        cmocka_unit_test_setup_teardown(the_end_leaves_nothing_half_made, start, stop),
        cmocka_unit_test_setup_teardown(of_many_that_send_the_same_one_is_first, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
