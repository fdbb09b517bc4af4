#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/json_out.h"

/* @p value as text, and released */
static char *text_of(json_t *value)
{
    assert_non_null(value);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    return text;
}

static void expect(json_t *value, const char *text)
{
    char *got = text_of(value);
    assert_string_equal(got, text);
    free(got);
}

static void bytes_that_are_not_text_cannot_break_an_answer(void **state)
{
    (void)state;
    expect(json_text("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
    expect(json_text("cut \xc3"), "\"cut ?\"");
    expect(json_text("\xff\xfe"), "\"??\"");
    expect(json_text_or_null(""), "null");
    expect(json_time(0), "null");
    expect(json_time(1), "\"1970-01-01T00:00:00.001Z\"");
}

static void a_new_job_has_every_member(void **state)
{
    (void)state;
    struct job_record job = {.id = "job_1", .kind = "reset", .slot = "left", .created_ms = 1};
    expect(json_out_job(&job),
           "{\"id\":\"job_1\",\"kind\":\"reset\",\"slot\":\"left\",\"state\":\"queued\","
           "\"created_at\":\"1970-01-01T00:00:00.001Z\",\"started_at\":null,\"finished_at\":null,"
           "\"steps\":[],\"progress\":{\"done\":0,\"total\":0,\"unit\":null},\"result\":null,"
           "\"error\":null}");
}

static void a_failed_job_tells_step_device_and_hint(void **state)
{
    (void)state;
    char result[] = "{\"board\":{}}";
    struct job_record job = {.id = "job_1",
                             .kind = "write",
                             .slot = "left",
                             .credential = "cred_1",
                             .retry_of = "job_0",
                             .state = JOB_FAILED,
                             .created_ms = 1,
                             .started_ms = 2,
                             .finished_ms = 3,
                             .step_count = 2,
                             .progress_done = 1,
                             .progress_total = 2,
                             .progress_unit = "bytes",
                             .result_json = result,
                             .error_step = "write"};
    job.error = (struct err_info){ERR_DEVICE, "device", "no", "0x05", "again"};
    job.steps[0] = (struct job_step){.name = "layout", .state = STEP_SKIPPED, .started_ms = 2};
    snprintf(job.steps[0].error.detail, sizeof job.steps[0].error.detail, "known");
    job.steps[1] =
        (struct job_step){.name = "write", .state = STEP_FAILED, .started_ms = 2, .ms = 7};
    job.steps[1].error = job.error;
    expect(
        json_out_job(&job),
        "{\"id\":\"job_1\",\"kind\":\"write\",\"slot\":\"left\",\"state\":\"failed\","
        "\"created_at\":\"1970-01-01T00:00:00.001Z\",\"started_at\":\"1970-01-01T00:00:00.002Z\","
        "\"finished_at\":\"1970-01-01T00:00:00.003Z\",\"steps\":[{\"name\":\"layout\","
        "\"state\":\"skipped\",\"started_at\":\"1970-01-01T00:00:00.002Z\",\"ms\":0,"
        "\"reason\":\"known\"},{\"name\":\"write\",\"state\":\"failed\","
        "\"started_at\":\"1970-01-01T00:00:00.002Z\",\"ms\":7,\"error\":{\"code\":\"device\","
        "\"detail\":\"no\",\"hint\":\"again\",\"device\":\"0x05\"}}],"
        "\"progress\":{\"done\":1,\"total\":2,\"unit\":\"bytes\"},\"result\":{\"board\":{}},"
        "\"error\":{\"code\":\"device\",\"detail\":\"no\",\"hint\":\"again\",\"step\":\"write\","
        "\"device\":\"0x05\"},\"credential\":\"cred_1\",\"retry_of\":\"job_0\"}");
}

static void a_port_without_usb_says_so(void **state)
{
    (void)state;
    struct port_info p = {.name = "ttyS0",
                          .path = "/dev/ttyS0",
                          .device = "/dev/ttyS0",
                          .id = "/dev/ttyS0",
                          .usb_vid = -1};
    expect(json_out_port(&p, "", SLOT_IDLE),
           "{\"name\":\"ttyS0\",\"path\":\"/dev/ttyS0\",\"device\":\"/dev/ttyS0\","
           "\"id\":\"/dev/ttyS0\",\"usb\":null,\"bridge\":null,\"slot\":null,\"state\":\"idle\"}");
    p.usb_vid = 0x10c4;
    p.usb_pid = 0xea60;
    snprintf(p.bridge, sizeof p.bridge, "CP210x");
    expect(json_out_port(&p, "left", SLOT_BUSY),
           "{\"name\":\"ttyS0\",\"path\":\"/dev/ttyS0\",\"device\":\"/dev/ttyS0\","
           "\"id\":\"/dev/ttyS0\",\"usb\":{\"vid\":4292,\"pid\":60000,\"serial\":null,"
           "\"manufacturer\":null,\"product\":null},\"bridge\":\"CP210x\",\"slot\":\"left\","
           "\"state\":\"busy\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_are_not_text_cannot_break_an_answer),
        cmocka_unit_test(a_new_job_has_every_member),
        cmocka_unit_test(a_failed_job_tells_step_device_and_hint),
        cmocka_unit_test(a_port_without_usb_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
