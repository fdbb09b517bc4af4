#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/route.h"

static const struct route table[] = {
    {.method = "GET", .path = "/things", .operation = "list"},
    {.method = "POST", .path = "/things", .operation = "make"},
    {.method = "GET", .path = "/things/{id}", .operation = "get"},
    {.method = "DELETE", .path = "/things/{id}", .operation = "remove"},
    {.method = "POST", .path = "/things/sum", .operation = "sum"},
    {.method = "GET", .path = "/things/{id}/{file}", .operation = "file"},
    {.method = "POST", .path = "/things/{id}/stop", .operation = "stop"},
    {.method = "GET", .path = "/", .operation = "root"},
};
enum { ROWS = sizeof table / sizeof *table };

static void method_and_path_find_their_row(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        enum route_verdict verdict;
        const char *operation, *first, *second; /* first: the variable, or Allow */
    } cases[] = {
        {"GET", "/things", ROUTE_FOUND, "list", NULL, NULL},
        {"HEAD", "/things", ROUTE_FOUND, "list", NULL, NULL},
        {"POST", "/things", ROUTE_FOUND, "make", NULL, NULL},
        {"GET", "/things/a", ROUTE_FOUND, "get", "a", NULL},
        {"GET", "/things/a%20b", ROUTE_FOUND, "get", "a b", NULL},
        {"GET", "/things/a%2Fb", ROUTE_FOUND, "get", "a/b", NULL},
        {"GET", "/things/a/b.bin", ROUTE_FOUND, "file", "a", "b.bin"},
        {"POST", "/things/a/stop", ROUTE_FOUND, "stop", "a", NULL},
        {"POST", "/things/sum", ROUTE_FOUND, "sum", NULL, NULL},
        {"GET", "/", ROUTE_FOUND, "root", NULL, NULL},
        /* a literal path is its own, even where a variable one has the method */
        {"GET", "/things/sum", ROUTE_NO_METHOD, NULL, "POST", NULL},
        {"GET", "/things/a/stop", ROUTE_NO_METHOD, NULL, "POST", NULL},
        {"PUT", "/things", ROUTE_NO_METHOD, NULL, "GET, HEAD, POST", NULL},
        {"get", "/things", ROUTE_NO_METHOD, NULL, "GET, HEAD, POST", NULL},
        {"PATCH", "/things/a", ROUTE_NO_METHOD, NULL, "GET, HEAD, DELETE", NULL},
        {"HEAD", "/things/sum", ROUTE_NO_METHOD, NULL, "POST", NULL},
        {"GET", "/thing", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "/thingss", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "/things/", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "//things", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "/things//b", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "/things/a/b/c", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "/THINGS", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "/%74hings", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "things", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"OPTIONS", "*", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "/things%00/a", ROUTE_NO_PATH, NULL, NULL, NULL},
        {"GET", "/things/%00", ROUTE_BAD_PATH, NULL, NULL, NULL},
        {"GET", "/things/a%00b", ROUTE_BAD_PATH, NULL, NULL, NULL},
        {"GET", "/things/a%0d%0ab", ROUTE_BAD_PATH, NULL, NULL, NULL},
        {"GET", "/things/%zz", ROUTE_BAD_PATH, NULL, NULL, NULL},
        {"GET", "/things/\xff", ROUTE_BAD_PATH, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct route_match m;
        enum route_verdict v = route_find(table, ROWS, cases[i].method, cases[i].path, &m);
        if (v != cases[i].verdict) fail_msg("%s %s: %d", cases[i].method, cases[i].path, (int)v);
        if (v == ROUTE_NO_METHOD) assert_string_equal(m.allow, cases[i].first);
        if (v != ROUTE_FOUND) {
            assert_null(m.route);
            continue;
        }
        assert_string_equal(m.route->operation, cases[i].operation);
        assert_int_equal(m.var_count, !!cases[i].first + !!cases[i].second);
        if (cases[i].first) assert_string_equal(m.vars[0].value, cases[i].first);
        if (cases[i].second) assert_string_equal(m.vars[1].value, cases[i].second);
    }
}

static void a_variable_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char path[8 + ROUTE_VAR_MAX + 2];
    struct route_match m;
    int n = snprintf(path, sizeof path, "/things/");
    memset(path + n, 'a', ROUTE_VAR_MAX);
    path[n + ROUTE_VAR_MAX] = '\0';
    assert_int_equal(route_find(table, ROWS, "GET", path, &m), ROUTE_FOUND);
    path[n + ROUTE_VAR_MAX] = 'a';
    path[n + ROUTE_VAR_MAX + 1] = '\0';
    assert_int_equal(route_find(table, ROWS, "GET", path, &m), ROUTE_BAD_PATH);
}

static void a_very_deep_path_is_no_row(void **state)
{
    (void)state;
    char path[512];
    struct route_match m;
    for (size_t i = 0; i + 2 < sizeof path; i += 2)
        memcpy(path + i, "/a", 3);
    assert_int_equal(route_find(table, ROWS, "GET", path, &m), ROUTE_NO_PATH);
}

/* Every row of the real table is reached by its own method and path, and by no other row's. */
static void every_row_of_the_table_finds_itself(void **state)
{
    (void)state;
    size_t n;
    const struct route *rows = routes_table(&n);
    assert_true(n > 20);
    for (size_t i = 0; i < n; i++) {
        char path[128] = "";
        size_t len = 0;
        for (const char *s = rows[i].path; *s; s++) {
            if (*s == '{') {
                len += (size_t)snprintf(path + len, sizeof path - len, "value");
                s += strcspn(s, "}");
            } else {
                path[len++] = *s;
            }
        }
        struct route_match m;
        assert_int_equal(route_find(rows, n, rows[i].method, path, &m), ROUTE_FOUND);
        assert_ptr_equal(m.route, &rows[i]);
        assert_non_null(rows[i].handler);
        assert_int_equal((rows[i].bodies & BODY_KINDS) != 0, rows[i].limit > 0);
        size_t q = strlen(rows[i].query);
        assert_true(q == 0 || rows[i].query[q - 1] == ' ');
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(rows[i].operation, rows[j].operation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(method_and_path_find_their_row),
        cmocka_unit_test(a_variable_that_is_too_long_is_refused),
        cmocka_unit_test(a_very_deep_path_is_no_row),
        cmocka_unit_test(every_row_of_the_table_finds_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
