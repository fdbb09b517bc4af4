#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/status.h"

static const struct err_info *make(enum err e, const char *code)
{
    if (code)
        err_fail(e, code, NULL, "detail");
    else
        err_set(e, "detail");
    return err_last();
}

static void every_error_has_a_status_with_a_title(void **state)
{
    (void)state;
    for (int e = ERR_ARG; e <= ERR_INTERNAL; e++) {
        int status = status_of(make((enum err)e, NULL));
        assert_in_range(status, 400, 599);
        assert_string_not_equal(status_title(status), "The request failed");
        assert_in_range(status_of_content(make((enum err)e, NULL)), 400, 599);
    }
}

static void kinds_and_codes_mean_what_the_contract_says(void **state)
{
    (void)state;
    static const struct {
        enum err e;
        const char *code;
        int status, content;
    } cases[] = {
        {ERR_ARG, NULL, 400, 422},
        {ERR_ARG, "bad_body", 400, 422},
        {ERR_NOT_FOUND, "job_not_found", 404, 404},
        {ERR_CONFLICT, "job_ended", 409, 409},
        {ERR_CONFLICT, "shutting_down", 503, 503},
        {ERR_BUSY, "queue_full", 429, 429},
        {ERR_BUSY, "too_many_waiting", 503, 503},
        {ERR_BUSY, "port_busy", 409, 409},
        {ERR_ARG, "slot_has_no_at_port", 422, 422},
        {ERR_ARG, "slot_has_no_download_port", 422, 422},
        {ERR_TOO_LARGE, NULL, 413, 422},
        {ERR_UNSUPPORTED, NULL, 422, 422},
        {ERR_CRYPTO, NULL, 422, 422},
        {ERR_CRYPTO, "vault_broken", 500, 500},
        {ERR_PROTOCOL, "no_partition_table", 502, 422},
        {ERR_IO, "store_full", 507, 507},
        {ERR_IO, "disk_full", 507, 507},
        {ERR_BUSY, "too_many_uploads", 503, 503},
        {ERR_IO, "firmware_lost", 500, 500},
        {ERR_MEM, NULL, 503, 503},
        {ERR_INTERNAL, NULL, 500, 500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(status_of(make(cases[i].e, cases[i].code)), cases[i].status);
        assert_int_equal(status_of_content(make(cases[i].e, cases[i].code)), cases[i].content);
    }
}

static void only_what_passes_says_when_to_try_again(void **state)
{
    (void)state;
    assert_true(status_retry_after_s(429) > 0);
    assert_true(status_retry_after_s(503) > 0);
    assert_int_equal(status_retry_after_s(400), 0);
    assert_int_equal(status_retry_after_s(200), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_status_with_a_title),
        cmocka_unit_test(kinds_and_codes_mean_what_the_contract_says),
        cmocka_unit_test(only_what_passes_says_when_to_try_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
