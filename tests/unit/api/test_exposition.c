// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "api/exposition.h"

static struct buf out;

static struct exposition begin(bool open)
{
    buf_init(&out, 4096);
    return (struct exposition){.out = &out, .open = open};
}

static void check(const char *expected)
{
    assert_string_equal(buf_str(&out), expected);
    buf_dispose(&out);
}

static void labels_are_escaped(void **state)
{
    (void)state;
    struct exposition x = begin(true);
    const struct label labels[] = {{"a", "q\"b\\n\nl"}, {"b", ""}, {NULL, NULL}};
    expose(&x, EXPOSE_GAUGE, "g", "Help.");
    expose_value(&x, labels, -1.5);
    check("# HELP g Help.\n# TYPE g gauge\ng{a=\"q\\\"b\\\\n\\nl\",b=\"\"} -1.5\n");
}

static void a_counter_is_told_in_the_words_of_each_format(void **state)
{
    (void)state;
    struct exposition x = begin(true);
    expose(&x, EXPOSE_COUNTER, "c", "Help.");
    expose_value(&x, NULL, 8999999999999999.0);
    expose_end(&x);
    check("# HELP c Help.\n# TYPE c counter\nc_total 8999999999999999\n# EOF\n");
    x = begin(false);
    expose(&x, EXPOSE_COUNTER, "c", "Help.");
    expose_value(&x, NULL, 3);
    expose_end(&x);
    check("# HELP c_total Help.\n# TYPE c_total counter\nc_total 3\n");
}

static void buckets_hold_those_before_them(void **state)
{
    (void)state;
    static const struct histogram_scale scale = {.n = 2, .bounds_us = {500, 1000000}};
    static const struct label labels[] = {{"a", "b"}, {NULL, NULL}};
    struct histogram h = {0};
    histogram_add(&h, &scale, 500);
    histogram_add(&h, &scale, 501);
    histogram_add(&h, &scale, 2000000);
    struct exposition x = begin(true);
    expose(&x, EXPOSE_HISTOGRAM, "h", "Help.");
    expose_histogram(&x, labels, &h, &scale);
    check("# HELP h Help.\n# TYPE h histogram\nh_bucket{a=\"b\",le=\"0.0005\"} 1\n"
          "h_bucket{a=\"b\",le=\"1\"} 2\nh_bucket{a=\"b\",le=\"+Inf\"} 3\nh_sum{a=\"b\"} 2.001001\n"
          "h_count{a=\"b\"} 3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(a_counter_is_told_in_the_words_of_each_format),
        cmocka_unit_test(buckets_hold_those_before_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
