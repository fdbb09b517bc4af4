/* Handlers over a real store and real queues, without sockets. What needs certificates and boards
 * is in tests/contract and tests/flow. */
#include "tests/unit/api/fixture_bench.h"

#include "service/base/limits.h"

#define JSON_TYPE "application/json"

static const char *const slot_path = "/v1/slots/left";

static struct bench bench;

static int start(void **state)
{
    (void)state;
    bench_start(&bench, run_until_stopped, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bench_stop(&bench);
    return 0;
}

/* PUT the slot and return its ETag. */
static void put_slot(const char *body, int status, char etag[64])
{
    struct request rq;
    struct reply r = call(
        &bench, &(struct call){.method = "PUT", .path = slot_path, .type = JSON_TYPE, .body = body},
        &rq);
    if (r.status != status) fail_msg("%d: %s", r.status, buf_str(&r.body));
    snprintf(etag, 64, "%s", header_of(&r, "ETag"));
    reply_dispose(&r);
}

static void readiness_names_what_is_wrong(void **state)
{
    (void)state;
    struct request rq;
    expect(&bench, &(struct call){.method = "GET", .path = "/readyz"}, 200, NULL);
    host.ports_fail = true;
    struct reply r = call(&bench, &(struct call){.method = "GET", .path = "/readyz"}, &rq);
    assert_int_equal(r.status, 503);
    assert_non_null(header_of(&r, "Retry-After"));
    json_t *body = body_of(&r);
    json_t *ports = json_array_get(json_object_get(body, "checks"), 3);
    assert_string_equal(json_string_value(json_object_get(ports, "name")), "ports");
    assert_true(json_is_false(json_object_get(ports, "ok")));
    assert_string_equal(json_string_value(json_object_get(ports, "detail")),
                        "the ports cannot be listed");
    json_decref(body);
    reply_dispose(&r);
    expect(&bench, &(struct call){.method = "GET", .path = "/v1/ports"}, 503, "io");
    expect(&bench, &(struct call){.method = "GET", .path = "/v1/slots"}, 503, "io");
}

static void bodies_of_slots_are_judged_field_by_field(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code, *pointer; /* NULL: none */
    } cases[] = {
        {"{", "bad_json", NULL},
        {"[]", "bad_json", NULL},
        {"{}", "bad_body", ""},
        {"{\"download_port\":\"\"}", "bad_body", "/download_port"},
        {"{\"download_port\":1}", "bad_body", "/download_port"},
        {"{\"at_port\":\"a\",\"reset\":\"hard\"}", "bad_body", "/reset"},
        {"{\"at_port\":\"a\",\"reset\":\"\"}", "bad_body", "/reset"},
        {"{\"at_port\":\"a\",\"reset\":1}", "bad_body", "/reset"},
        {"{\"at_port\":\"a\",\"reset\":\"D0|R2\"}", "bad_body", "/reset"},
        {"{\"at_port\":\"a\",\"at_baud\":9599}", "bad_body", "/at_baud"},
        {"{\"at_port\":\"a\",\"flash_baud\":2000001}", "bad_body", "/flash_baud"},
        {"{\"at_port\":\"a\",\"state\":\"idle\"}", "bad_body", "/state"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request rq;
        struct reply r =
            call(&bench,
                 &(struct call){
                     .method = "PUT", .path = slot_path, .type = JSON_TYPE, .body = cases[i].body},
                 &rq);
        assert_int_equal(r.status, 400);
        json_t *body = body_of(&r), *errors = json_object_get(body, "errors");
        assert_string_equal(json_string_value(json_object_get(body, "code")), cases[i].code);
        if (cases[i].pointer)
            assert_string_equal(
                json_string_value(json_object_get(json_array_get(errors, 0), "pointer")),
                cases[i].pointer);
        else
            assert_null(errors);
        json_decref(body);
        reply_dispose(&r);
    }
    expect(
        &bench,
        &(struct call){.method = "PUT", .path = "/v1/slots/a%20b", .type = JSON_TYPE, .body = "{}"},
        400, "bad_name");
}

static void a_slot_changes_only_for_whom_knows_it(void **state)
{
    (void)state;
    char first[64], second[64];
    const struct call get = {.method = "GET", .path = slot_path};
    const struct call put = {.method = "PUT",
                             .path = slot_path,
                             .type = JSON_TYPE,
                             .body = "{\"at_port\":\"ttyTEST1\"}"};
    struct call changed = put;
    expect(&bench, &get, 404, "slot_not_found");
    changed.if_match = "*";
    expect(&bench, &changed, 412, "precondition_failed");
    put_slot("{\"at_port\":\"ttyTEST0\"}", 201, first);
    put_slot("{\"at_port\":\"ttyTEST0\",\"at_baud\":9600}", 200, second);
    assert_string_not_equal(first, second);
    changed.if_match = first;
    expect(&bench, &changed, 412, "precondition_failed");
    changed.if_match = second;
    expect(&bench, &changed, 200, NULL);
    changed = put;
    changed.if_none_match = "*";
    expect(&bench, &changed, 412, "precondition_failed");
    struct call delete = {.method = "DELETE", .path = slot_path, .if_match = second};
    expect(&bench, &delete, 412, "precondition_failed");
    delete.if_match = "*";
    expect(&bench, &delete, 204, NULL);
    expect(&bench, &get, 404, "slot_not_found");
    expect(&bench, &delete, 404, "slot_not_found");
}

/* The slots' names and whether they are implicit, in order, as one text. */
static void list_slots(char out[256])
{
    struct request rq;
    struct reply r = call(&bench, &(struct call){.method = "GET", .path = "/v1/slots"}, &rq);
    json_t *body = body_of(&r), *item;
    size_t i;
    out[0] = '\0';
    json_array_foreach(json_object_get(body, "items"), i, item)
    {
        size_t n = strlen(out);
        snprintf(out + n, 256 - n, "%s%s ", json_string_value(json_object_get(item, "name")),
                 json_is_true(json_object_get(item, "implicit")) ? "!" : "");
    }
    json_decref(body);
    reply_dispose(&r);
}

static void a_port_is_its_own_slot_until_one_names_it(void **state)
{
    (void)state;
    char names[256], etag[64];
    list_slots(names);
    assert_string_equal(names, "ttyTEST0! ttyTEST1! ");
    put_slot("{\"download_port\":\"test-0\"}", 201, etag); /* by its id */
    list_slots(names);
    assert_string_equal(names, "left ttyTEST1! ");
    expect(&bench, &(struct call){.method = "DELETE", .path = "/v1/slots/ttyTEST1"}, 404,
           "slot_not_found");
    host.port_count = 1;
    list_slots(names);
    assert_string_equal(names, "left ");
}

static void a_slot_with_work_is_not_forgotten(void **state)
{
    (void)state;
    char etag[64], id[ID_TEXT], path[96];
    put_slot("{\"download_port\":\"ttyTEST0\",\"at_port\":\"ttyTEST1\"}", 201, etag);
    order(&bench, "left", id);
    const struct call delete = {.method = "DELETE", .path = slot_path};
    expect(&bench, &delete, 409, "slot_busy");
    snprintf(path, sizeof path, "/v1/jobs/%s/cancel", id);
    struct request rq;
    struct reply r = call(&bench, &(struct call){.method = "POST", .path = path}, &rq);
    assert_true(r.status == 200 || r.status == 202);
    reply_dispose(&r);
}

static void queries_are_judged(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/healthz?x=1",
        "/v1/jobs?limit=0",
        "/v1/jobs?limit=1001",
        "/v1/jobs?limit=ten",
        "/v1/jobs?limit",
        "/v1/jobs?limit=1&limit=2",
        "/v1/jobs?cursor=",
        "/v1/jobs?cursor=01234567890123456789012345678901234567890123456789012345678901234",
        "/v1/jobs?state=done",
        "/v1/jobs?kind=fly",
        "/v1/jobs?slot=%2F",
        "/v1/jobs?credential=%20",
        "/v1/jobs?slot=a%00",
        "/v1/jobs/job_1?wait=61",
        "/v1/jobs/job_1?wait=-1",
        "/v1/devices?mac=1",
        "/v1/backups?mac=1",
        "/v1/backups?mac=24:0a:c4:12:34:5",
        "/v1/backups?mac=24:0a:c4:12:34:5g",
        "/v1/backups?mac=24-0a-c4-12-34-56",
        "/v1/backups?cursor=job_1",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        expect(&bench, &(struct call){.method = "GET", .path = paths[i]}, 400, "bad_query");
    expect(&bench,
           &(struct call){.method = "GET",
                          .path = "/v1/jobs?limit=1000&state=queued&kind=at&slot=ttyUSB0"},
           200, NULL);
}

static void what_is_not_there_is_404_with_its_own_code(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *code;
    } cases[] = {
        {"GET", "/v1/slots/nowhere", "slot_not_found"},
        {"GET", "/v1/credentials/cred_0", "credential_not_found"},
        {"GET", "/v1/credentials/%20%20", "credential_not_found"},
        {"DELETE", "/v1/credentials/cred_0", "credential_not_found"},
        {"GET", "/v1/images/img_0", "image_not_found"},
        {"GET", "/v1/images/img_0/mqtt_key.bin", "image_not_found"},
        {"GET", "/v1/jobs/job_0", "job_not_found"},
        {"GET", "/v1/jobs/job_0?wait=5", "job_not_found"},
        {"GET", "/v1/jobs/..", "job_not_found"},
        {"POST", "/v1/jobs/job_0/cancel", "job_not_found"},
        {"POST", "/v1/jobs/job_0/retry", "job_not_found"},
        {"GET", "/v1/jobs/job_0/log", "job_not_found"},
        {"GET", "/v1/jobs/job_0/data", "job_not_found"},
        {"DELETE", "/v1/jobs/job_0/data", "dump_not_found"},
        {"GET", "/v1/firmware/fw_0", "firmware_not_found"},
        {"DELETE", "/v1/firmware/%2e%2e", "firmware_not_found"},
        {"GET", "/v1/backups/bak_0", "backup_not_found"},
        {"DELETE", "/v1/backups/%2e%2e", "backup_not_found"},
        {"GET", "/v1/devices/24:0a:c4:00:00:00", "device_not_found"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(&bench, &(struct call){.method = cases[i].method, .path = cases[i].path}, 404,
               cases[i].code);
}

static void orders_are_refused_for_their_own_reason(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *code;
    } cases[] = {
        {"{", 400, "bad_json"},
        {"{\"kind\":\"reset\"}", 400, "bad_body"},
        {"{\"kind\":\"fly\",\"slot\":\"ttyTEST0\"}", 400, "bad_body"},
        {"{\"kind\":\"reset\",\"slot\":\"ttyTEST0\",\"lines\":[\"AT\"]}", 400, "bad_body"},
        {"{\"kind\":\"reset\",\"slot\":\"nowhere\"}", 404, "slot_not_found"},
        {"{\"kind\":\"write\",\"slot\":\"ttyTEST0\",\"credential\":\"cred_0\"}", 404,
         "credential_not_found"},
        {"{\"kind\":\"restore\",\"slot\":\"ttyTEST0\",\"backup\":\"bak_0\"}", 404,
         "backup_not_found"},
        {"{\"kind\":\"at\",\"slot\":\"left\",\"lines\":[\"AT\"]}", 422, "slot_has_no_at_port"},
    };
    char etag[64];
    put_slot("{\"download_port\":\"ttyTEST0\"}", 201, etag);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *slot = strstr(cases[i].body, "ttyTEST0");
        char body[128];
        snprintf(body, sizeof body, "%s", cases[i].body);
        if (slot) memcpy(body + (slot - cases[i].body), "ttyTEST1", 8); /* the implicit one */
        expect(
            &bench,
            &(struct call){.method = "POST", .path = "/v1/jobs", .type = JSON_TYPE, .body = body},
            cases[i].status, cases[i].code);
    }
}

static void a_job_that_waits_is_a_reply_for_later(void **state)
{
    (void)state;
    char id[ID_TEXT], path[96];
    struct request rq;
    struct reply r = call(&bench,
                          &(struct call){.method = "POST",
                                         .path = "/v1/jobs",
                                         .type = JSON_TYPE,
                                         .prefer = "wait=600",
                                         .body = "{\"kind\":\"reset\",\"slot\":\"ttyTEST0\"}"},
                          &rq);
    assert_int_equal(r.status, 0);
    assert_int_equal(r.wait_s, LIMIT_WAIT_S);
    snprintf(id, sizeof id, "%s", rq.job);
    /* whatever ended the wait, the client learns where its job is */
    static const enum wait_end ends[] = {WAIT_TIMEOUT, WAIT_FULL, WAIT_CLOSING};
    for (size_t i = 0; i < 3; i++) {
        rq.woken = ends[i];
        struct reply after = r.then(&rq, &bench.service);
        assert_int_equal(after.status, 202);
        assert_non_null(strstr(header_of(&after, "Location"), id));
        reply_dispose(&after);
    }
    snprintf(path, sizeof path, "/v1/jobs/%s?wait=5", id);
    r = call(&bench, &(struct call){.method = "GET", .path = path}, &rq);
    assert_int_equal(r.status, 0);
    static const struct {
        enum wait_end end;
        int status;
    } cases[] = {{WAIT_TIMEOUT, 200}, {WAIT_FULL, 503}, {WAIT_CLOSING, 503}};
    for (size_t i = 0; i < 3; i++) {
        rq.woken = cases[i].end;
        struct reply after = r.then(&rq, &bench.service);
        assert_int_equal(after.status, cases[i].status);
        assert_int_equal(header_of(&after, "Retry-After") != NULL, cases[i].status == 503);
        reply_dispose(&after);
    }
}

static void a_full_queue_says_when_to_come_back(void **state)
{
    (void)state;
    char id[ID_TEXT], path[96];
    struct request rq;
    const struct call more = {.method = "POST",
                              .path = "/v1/jobs",
                              .type = JSON_TYPE,
                              .body = "{\"kind\":\"reset\",\"slot\":\"ttyTEST0\"}"};
    struct reply r = {.status = 202};
    order(&bench, "ttyTEST0", id);
    for (int i = 0; i <= LIMIT_QUEUE + 1 && r.status == 202; i++) {
        reply_dispose(&r);
        r = call(&bench, &more, &rq);
    }
    assert_int_equal(r.status, 429);
    assert_non_null(header_of(&r, "Retry-After"));
    assert_non_null(strstr(buf_str(&r.body), "\"queue_full\""));
    reply_dispose(&r);
    /* so does a retry, of one that is made to end */
    snprintf(path, sizeof path, "/v1/jobs/%s/retry", id);
    expect(&bench, &(struct call){.method = "POST", .path = path}, 409, "job_not_ended");
}

static void pages_of_jobs_lead_to_one_another(void **state)
{
    (void)state;
    char id[ID_TEXT], path[160] = "/v1/jobs?limit=2&slot=ttyTEST0";
    int seen = 0;
    for (int i = 0; i < 5; i++)
        order(&bench, "ttyTEST0", id);
    for (int page = 0; page < 3; page++) {
        struct request rq;
        struct reply r = call(&bench, &(struct call){.method = "GET", .path = path}, &rq);
        assert_int_equal(r.status, 200);
        json_t *body = body_of(&r);
        size_t n = json_array_size(json_object_get(body, "items"));
        const char *next = json_string_value(json_object_get(body, "next"));
        assert_int_equal(n, page < 2 ? 2 : 1);
        assert_int_equal(next != NULL, page < 2);
        seen += (int)n;
        if (next) {
            /* the Link leads to the same page, and keeps the filter */
            char want[160];
            snprintf(want, sizeof want, "</v1/jobs?cursor=%s&limit=2&slot=ttyTEST0>; rel=\"next\"",
                     next);
            assert_string_equal(header_of(&r, "Link"), want);
            snprintf(path, sizeof path, "/v1/jobs?cursor=%s&limit=2&slot=ttyTEST0", next);
        } else {
            assert_null(header_of(&r, "Link"));
        }
        json_decref(body);
        reply_dispose(&r);
    }
    assert_int_equal(seen, 5);
}

/* Order it. @param[out] path  of what it reads */
static void order_read(const char *place, char path[96])
{
    char body[192];
    struct request rq;
    snprintf(body, sizeof body, "{\"kind\":\"read\",\"slot\":\"ttyTEST0\",%s}", place);
    struct reply r = call(
        &bench,
        &(struct call){.method = "POST", .path = "/v1/jobs", .type = JSON_TYPE, .body = body}, &rq);
    if (r.status != 202) fail_msg("%d: %s", r.status, buf_str(&r.body));
    json_t *job = body_of(&r);
    snprintf(path, 96, "/v1/jobs/%s/data", json_string_value(json_object_get(job, "id")));
    json_decref(job);
    reply_dispose(&r);
}

static void what_was_read_is_named_after_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *place, *name;
    } cases[] = {
        {"\"partition\":\"mqtt_ca\"", "mqtt_ca.bin"},
        {"\"partition\":\"a\\\"; x/y.z\"", "a___x_y.z.bin"},
        {"\"offset\":65536,\"size\":\"0x4000\"", "0x10000-0x4000.bin"},
        {"\"whole\":true", "flash.bin"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[96], id[ID_TEXT], want[64], etag[80];
        struct request rq;
        order_read(cases[i].place, path);
        struct call get = {.method = "GET", .path = path};
        expect(&bench, &get, 404, "dump_not_found");
        assert_int_equal(sscanf(path, "/v1/jobs/%31[^/]", id), 1);
        assert_int_equal(store_dump_put(bench.store, id, "abc", 3), ERR_OK);
        struct reply r = call(&bench, &get, &rq);
        assert_int_equal(r.status, 200);
        assert_string_equal(r.content_type, "application/octet-stream");
        assert_string_equal(buf_str(&r.body), "abc");
        snprintf(want, sizeof want, "attachment; filename=\"%s\"", cases[i].name);
        assert_string_equal(header_of(&r, "Content-Disposition"), want);
        snprintf(etag, sizeof etag, "%s", header_of(&r, "ETag"));
        assert_string_equal(etag,
                            "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
        reply_dispose(&r);
        get.if_none_match = etag;
        expect(&bench, &get, 304, NULL);
        get.method = "DELETE";
        expect(&bench, &get, 204, NULL);
        expect(&bench, &get, 404, "dump_not_found");
    }
}

static void backups_are_told_of_and_never_given_away(void **state)
{
    (void)state;
    struct backup_record b = {.id = "bak_1",
                              .created_ms = 1,
                              .mac = "24:0a:c4:12:34:56",
                              .job = "job_1",
                              .slot = "left",
                              .partition = "mfg_nvs",
                              .offset = 0x21000,
                              .size = 6,
                              .sha256 = "ab"};
    struct request rq;
    struct call get = {.method = "GET", .path = "/v1/backups/bak_1"};
    assert_int_equal(store_backup_add(bench.store, &b, "secret", b.size), ERR_OK);
    struct reply r = call(&bench, &get, &rq);
    assert_int_equal(r.status, 200);
    json_t *body = body_of(&r);
    json_t *expected =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s}", "id", "bak_1", "created_at",
                  "1970-01-01T00:00:00.001Z", "mac", b.mac, "job", "job_1", "slot", "left",
                  "partition", "mfg_nvs", "offset", 0x21000, "size", 6, "sha256", "ab");
    assert_true(json_equal(body, expected));
    json_decref(body);
    json_decref(expected);
    reply_dispose(&r);
    static const struct {
        const char *path;
        size_t n;
    } lists[] = {{"/v1/backups", 1},
                 {"/v1/backups?mac=24:0A:C4:12:34:56", 1},
                 {"/v1/backups?mac=24:0a:c4:12:34:57", 0},
                 {"/v1/backups?cursor=bak_1", 0}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        r = call(&bench, &(struct call){.method = "GET", .path = lists[i].path}, &rq);
        body = body_of(&r);
        assert_int_equal(json_array_size(json_object_get(body, "items")), lists[i].n);
        json_decref(body);
        reply_dispose(&r);
    }
    get.method = "DELETE";
    expect(&bench, &get, 204, NULL);
    expect(&bench, &get, 404, "backup_not_found");
}

static void devices_come_as_csv_to_those_who_ask(void **state)
{
    (void)state;
    struct device_entry e = {
        .at_ms = 1, .job = "job_1", .slot = "left", .method = "rom", .outcome = JOB_SUCCEEDED};
    assert_int_equal(store_device_note(bench.store, "24:0a:c4:12:34:56", "esp32", &e, false),
                     ERR_OK);
    struct request rq;
    struct call get = {.method = "GET", .path = "/v1/devices", .accept = "text/csv"};
    struct reply r = call(&bench, &get, &rq);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.content_type, "text/csv"));
    assert_non_null(strstr(buf_str(&r.body),
                           "mac,chip,first_seen,last_seen,credential,fingerprint_sha256,"
                           "common_name,slot,outcome\r\n"
                           "24:0a:c4:12:34:56,esp32,1970-01-01T00:00:00.001Z,"
                           "1970-01-01T00:00:00.001Z,,,\"\",left,succeeded\r\n"));
    reply_dispose(&r);
    expect(&bench, &(struct call){.method = "GET", .path = "/v1/devices/24:0A:C4:12:34:56"}, 200,
           NULL);
    get.accept = "*/*";
    r = call(&bench, &get, &rq);
    assert_string_equal(r.content_type, "application/json");
    reply_dispose(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(readiness_names_what_is_wrong, start, stop),
        cmocka_unit_test_setup_teardown(bodies_of_slots_are_judged_field_by_field, start, stop),
        cmocka_unit_test_setup_teardown(a_slot_changes_only_for_whom_knows_it, start, stop),
        cmocka_unit_test_setup_teardown(a_port_is_its_own_slot_until_one_names_it, start, stop),
        cmocka_unit_test_setup_teardown(a_slot_with_work_is_not_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(queries_are_judged, start, stop),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_404_with_its_own_code, start, stop),
        cmocka_unit_test_setup_teardown(orders_are_refused_for_their_own_reason, start, stop),
        cmocka_unit_test_setup_teardown(a_job_that_waits_is_a_reply_for_later, start, stop),
        cmocka_unit_test_setup_teardown(a_full_queue_says_when_to_come_back, start, stop),
        cmocka_unit_test_setup_teardown(pages_of_jobs_lead_to_one_another, start, stop),
        cmocka_unit_test_setup_teardown(what_was_read_is_named_after_its_place, start, stop),
        cmocka_unit_test_setup_teardown(backups_are_told_of_and_never_given_away, start, stop),
        cmocka_unit_test_setup_teardown(devices_come_as_csv_to_those_who_ask, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
