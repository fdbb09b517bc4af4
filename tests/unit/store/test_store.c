/* The families of records, one connection's view: what goes in comes out, lists page, and what is
 * not there is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/store/store.h"
#include "tests/unit/store/folder.h"

struct bench {
    struct folder folder;
    struct store *store;
};

static int setup(void **state)
{
    static struct bench b;
    *state = &b;
    if (folder_make(&b.folder)) return -1;
    return store_open(b.folder.path, &b.store) ? -1 : 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    store_close(b->store);
    folder_remove(&b->folder);
    return 0;
}

static struct store *store_of(void **state)
{
    return ((struct bench *)*state)->store;
}

static void expect(enum err e, enum err kind, const char *code)
{
    assert_int_equal(e, kind);
    assert_string_equal(err_last()->code, code);
}

static void add_credential(struct store *s, const char *id)
{
    struct credential_record r = {.created_ms = 1000,
                                  .certificate_pem = (char *)"CERT",
                                  .root_ca_pem = (char *)"ROOT",
                                  .meta_json = (char *)"{\"a\":1}"};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.fingerprint_sha256, sizeof r.fingerprint_sha256, "f-%s", id);
    snprintf(r.key_sha256, sizeof r.key_sha256, "k-%s", id);
    assert_int_equal(store_credential_add(s, &r, "KEY", 3, NULL), ERR_OK);
}

static void new_job(struct job_record *r, const char *id, const char *slot)
{
    memset(r, 0, sizeof *r);
    snprintf(r->id, sizeof r->id, "%s", id);
    snprintf(r->kind, sizeof r->kind, "provision");
    snprintf(r->slot, sizeof r->slot, "%s", slot);
    r->created_ms = 1;
}

static void add_job(struct store *s, const char *id, const char *slot)
{
    struct job_record r;
    new_job(&r, id, slot);
    assert_int_equal(store_job_add(s, &r, "{}", NULL, 0), ERR_OK);
}

static void a_credential_comes_back_without_its_key(void **state)
{
    struct store *s = store_of(state);
    struct credential_record r;
    struct buf key;
    add_credential(s, "cred_1");
    assert_int_equal(store_credential_get(s, "cred_1", &r), ERR_OK);
    assert_string_equal(r.id, "cred_1");
    assert_int_equal(r.created_ms, 1000);
    assert_string_equal(r.fingerprint_sha256, "f-cred_1");
    assert_string_equal(r.key_sha256, "k-cred_1");
    assert_string_equal(r.certificate_pem, "CERT");
    assert_string_equal(r.root_ca_pem, "ROOT");
    assert_string_equal(r.meta_json, "{\"a\":1}");
    credential_record_dispose(&r);
    buf_init_secret(&key, 64);
    assert_int_equal(store_credential_key(s, "cred_1", &key), ERR_OK);
    assert_string_equal(buf_str(&key), "KEY");
    buf_dispose(&key);
}

static void a_credential_that_is_not_there_leaves_the_outputs_empty(void **state)
{
    struct store *s = store_of(state);
    struct credential_record r;
    struct buf key;
    memset(&r, 0xff, sizeof r);
    expect(store_credential_get(s, "cred_x", &r), ERR_NOT_FOUND, "credential_not_found");
    assert_null(r.certificate_pem);
    assert_string_equal(r.id, "");
    buf_init_secret(&key, 64);
    expect(store_credential_key(s, "cred_x", &key), ERR_NOT_FOUND, "credential_not_found");
    assert_int_equal(key.len, 0);
    expect(store_credential_delete(s, "cred_x"), ERR_NOT_FOUND, "credential_not_found");
}

static void the_same_id_twice_is_a_conflict(void **state)
{
    struct store *s = store_of(state);
    add_credential(s, "cred_1");
    struct credential_record r = {.id = "cred_1"};
    expect(store_credential_add(s, &r, "K", 1, NULL), ERR_CONFLICT, "store_conflict");
}

static void a_credential_in_use_cannot_be_deleted(void **state)
{
    struct store *s = store_of(state);
    struct job_record r;
    add_credential(s, "cred_1");
    new_job(&r, "job_1", "a");
    snprintf(r.credential, sizeof r.credential, "cred_1");
    assert_int_equal(store_job_add(s, &r, "{}", NULL, 0), ERR_OK);
    expect(store_credential_delete(s, "cred_1"), ERR_CONFLICT, "credential_in_use");
    r.state = JOB_RUNNING;
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    expect(store_credential_delete(s, "cred_1"), ERR_CONFLICT, "credential_in_use");
    r.state = JOB_FAILED;
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    assert_int_equal(store_credential_delete(s, "cred_1"), ERR_OK);
    expect(store_credential_delete(s, "cred_1"), ERR_NOT_FOUND, "credential_not_found");
}

static void a_job_needs_its_credential(void **state)
{
    struct store *s = store_of(state);
    struct job_record r;
    new_job(&r, "job_1", "a");
    snprintf(r.credential, sizeof r.credential, "cred_x");
    expect(store_job_add(s, &r, "{}", NULL, 0), ERR_NOT_FOUND, "credential_not_found");
    expect(store_job_get(s, "job_1", &r), ERR_NOT_FOUND, "job_not_found");
}

static size_t list_credentials(struct store *s, const char *cursor, size_t limit, char *ids,
                               char next[ID_TEXT * 2])
{
    struct store_page page = {.limit = limit};
    struct credential_record *list;
    size_t n;
    snprintf(page.cursor, sizeof page.cursor, "%s", cursor);
    assert_int_equal(store_credential_list(s, &page, &list, &n), ERR_OK);
    memcpy(next, page.next, sizeof page.next);
    ids[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        strcat(ids, list[i].id + 5);
        credential_record_dispose(&list[i]);
    }
    free(list);
    return n;
}

static void credentials_page_from_the_newest(void **state)
{
    struct store *s = store_of(state);
    char next[ID_TEXT * 2], ids[64];
    assert_int_equal(list_credentials(s, "", 2, ids, next), 0);
    assert_string_equal(next, "");
    static const char *const names[] = {"cred_5", "cred_1", "cred_4", "cred_2", "cred_3"};
    for (int i = 0; i < 5; i++)
        add_credential(s, names[i]);
    list_credentials(s, "", 2, ids, next);
    assert_string_equal(ids, "32");
    assert_string_equal(next, "cred_2");
    list_credentials(s, next, 2, ids, next);
    assert_string_equal(ids, "41");
    list_credentials(s, next, 2, ids, next);
    assert_string_equal(ids, "5");
    assert_string_equal(next, "");
    list_credentials(s, "", 5, ids, next);
    assert_string_equal(ids, "32415");
    assert_string_equal(next, "");
    list_credentials(s, "", 0, ids, next); /* at least one */
    assert_string_equal(ids, "3");
    list_credentials(s, "", 1000000, ids, next);
    assert_string_equal(ids, "32415");
    list_credentials(s, "cred_", 5, ids, next); /* a cursor before all */
    assert_string_equal(ids, "");
}

static void a_page_goes_on_behind_a_deleted_item(void **state)
{
    struct store *s = store_of(state);
    char next[ID_TEXT * 2], ids[64];
    add_credential(s, "cred_1");
    add_credential(s, "cred_2");
    add_credential(s, "cred_3");
    list_credentials(s, "", 1, ids, next);
    assert_int_equal(store_credential_delete(s, "cred_3"), ERR_OK);
    list_credentials(s, next, 5, ids, next);
    assert_string_equal(ids, "21");
}

static void images_go_with_their_credential(void **state)
{
    struct store *s = store_of(state);
    struct image_record r = {.id = "img_1",
                             .created_ms = 5,
                             .layout_json = (char *)"{\"l\":1}",
                             .target = "client.1"},
                        back;
    snprintf(r.credential, sizeof r.credential, "cred_1");
    expect(store_image_add(s, &r), ERR_NOT_FOUND, "credential_not_found");
    add_credential(s, "cred_1");
    assert_int_equal(store_image_add(s, &r), ERR_OK);
    assert_int_equal(store_image_get(s, "img_1", &back), ERR_OK);
    assert_string_equal(back.credential, "cred_1");
    assert_string_equal(back.layout_json, "{\"l\":1}");
    assert_string_equal(back.target, "client.1");
    assert_int_equal(back.created_ms, 5);
    image_record_dispose(&back);
    assert_int_equal(store_credential_delete(s, "cred_1"), ERR_OK);
    expect(store_image_get(s, "img_1", &back), ERR_NOT_FOUND, "image_not_found");
    assert_null(back.layout_json);
}

static void slots_are_put_listed_and_deleted(void **state)
{
    struct store *s = store_of(state);
    struct slot_record r = {.name = "b",
                            .download_port = "/dev/ttyUSB0",
                            .at_port = "",
                            .reset = "auto",
                            .download_baud = 115200,
                            .flash_baud = 4000000,
                            .at_baud = 9600,
                            .changed_ms = 7},
                       back, *list;
    size_t n;
    assert_int_equal(store_slot_put(s, &r), ERR_OK);
    snprintf(r.at_port, sizeof r.at_port, "/dev/ttyUSB1");
    assert_int_equal(store_slot_put(s, &r), ERR_OK); /* replaces */
    assert_int_equal(store_slot_get(s, "b", &back), ERR_OK);
    assert_string_equal(back.download_port, "/dev/ttyUSB0");
    assert_string_equal(back.at_port, "/dev/ttyUSB1");
    assert_string_equal(back.reset, "auto");
    assert_int_equal(back.flash_baud, 4000000);
    assert_int_equal(back.changed_ms, 7);
    for (char c = 'z'; c > 'f'; c--) {
        snprintf(r.name, sizeof r.name, "%c", c);
        assert_int_equal(store_slot_put(s, &r), ERR_OK);
    }
    assert_int_equal(store_slot_list(s, &list, &n), ERR_OK);
    assert_int_equal(n, 21);
    assert_string_equal(list[0].name, "b");
    assert_string_equal(list[20].name, "z");
    free(list);
    assert_int_equal(store_slot_delete(s, "b"), ERR_OK);
    expect(store_slot_delete(s, "b"), ERR_NOT_FOUND, "slot_not_found");
    expect(store_slot_get(s, "b", &back), ERR_NOT_FOUND, "slot_not_found");
    assert_string_equal(back.name, "");
}

static void fill_ended_job(struct job_record *r)
{
    r->state = JOB_FAILED;
    r->started_ms = 2;
    r->finished_ms = 3;
    r->step_count = LIMIT_JOB_STEPS;
    for (size_t i = 0; i < r->step_count; i++) {
        snprintf(r->steps[i].name, sizeof r->steps[i].name, "step%u", (unsigned)i % 100);
        r->steps[i].state = STEP_SUCCEEDED;
        r->steps[i].started_ms = (int64_t)i + 100;
        r->steps[i].ms = (int32_t)i;
    }
    struct job_step *last = &r->steps[r->step_count - 1];
    last->state = STEP_FAILED;
    err_fail(ERR_DEVICE, "at_error", "Do \"this\".", "it said no");
    err_device(ERR_DEVICE, "ERROR\r\n\xff", 8);
    last->error = r->error = *err_last();
    snprintf(r->error_step, sizeof r->error_step, "%s", last->name);
    r->progress_done = 10;
    r->progress_total = UINT32_MAX + 5ull;
    snprintf(r->progress_unit, sizeof r->progress_unit, "bytes");
    r->result_json = strdup("{\"mac\":\"x\"}");
    r->steps[0].state = STEP_SKIPPED;
    snprintf(r->steps[0].error.detail, sizeof r->steps[0].error.detail, "no need");
}

static void a_job_comes_back_whole(void **state)
{
    struct store *s = store_of(state);
    static struct job_record r, back;
    struct buf command;
    new_job(&r, "job_1", "a");
    snprintf(r.retry_of, sizeof r.retry_of, "job_0");
    assert_int_equal(store_job_add(s, &r, "{\"kind\":\"reset\"}", NULL, 0), ERR_OK);
    fill_ended_job(&r);
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    assert_int_equal(store_job_get(s, "job_1", &back), ERR_OK);
    assert_string_equal(back.retry_of, "job_0");
    assert_int_equal(back.state, JOB_FAILED);
    assert_int_equal(back.created_ms, 1);
    assert_int_equal(back.started_ms, 2);
    assert_int_equal(back.finished_ms, 3);
    assert_int_equal(back.step_count, LIMIT_JOB_STEPS);
    assert_int_equal(back.steps[0].state, STEP_SKIPPED);
    assert_int_equal(back.steps[0].error.kind, ERR_OK);
    assert_string_equal(back.steps[0].error.detail, "no need");
    assert_string_equal(back.steps[3].name, "step3");
    assert_int_equal(back.steps[3].started_ms, 103);
    assert_int_equal(back.steps[3].ms, 3);
    assert_int_equal(back.steps[3].error.kind, ERR_OK);
    assert_int_equal(back.steps[23].error.kind, ERR_DEVICE);
    assert_string_equal(back.error.code, "at_error");
    assert_string_equal(back.error.detail, "it said no");
    assert_string_equal(back.error.device, "ERROR\n\\xff");
    assert_string_equal(back.error.hint, "Do \"this\".");
    assert_string_equal(back.error_step, "step23");
    assert_int_equal(back.progress_total, UINT32_MAX + 5ull);
    assert_string_equal(back.progress_unit, "bytes");
    assert_string_equal(back.result_json, "{\"mac\":\"x\"}");
    buf_init_secret(&command, 256);
    assert_int_equal(store_job_command(s, "job_1", &command), ERR_OK);
    assert_string_equal(buf_str(&command), "{\"kind\":\"reset\"}");
    buf_dispose(&command);
    job_record_dispose(&r);
    job_record_dispose(&back);
}

static void words_that_are_not_utf8_do_not_lose_the_record(void **state)
{
    struct store *s = store_of(state);
    static struct job_record r, back;
    new_job(&r, "job_1", "a");
    assert_int_equal(store_job_add(s, &r, "{}", NULL, 0), ERR_OK);
    err_fail(ERR_IO, "x", NULL, "cut \xc3");
    r.error = *err_last();
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    assert_int_equal(store_job_get(s, "job_1", &back), ERR_OK);
    assert_string_equal(back.error.detail, "cut ?");
}

static void a_job_that_is_not_there_is_told(void **state)
{
    struct store *s = store_of(state);
    static struct job_record r;
    struct buf b;
    buf_init(&b, 64);
    new_job(&r, "job_x", "a");
    expect(store_job_save(s, &r), ERR_NOT_FOUND, "job_not_found");
    expect(store_job_get(s, "job_x", &r), ERR_NOT_FOUND, "job_not_found");
    expect(store_job_command(s, "job_x", &b), ERR_NOT_FOUND, "job_not_found");
    expect(store_job_log_get(s, "job_x", &b), ERR_NOT_FOUND, "job_not_found");
    expect(store_job_log_put(s, "job_x", "t", 1), ERR_NOT_FOUND, "job_not_found");
}

static void a_log_is_replaced_and_may_be_empty(void **state)
{
    struct store *s = store_of(state);
    struct buf b;
    buf_init(&b, 64);
    add_job(s, "job_1", "a");
    assert_int_equal(store_job_log_get(s, "job_1", &b), ERR_OK);
    assert_int_equal(b.len, 0);
    assert_int_equal(store_job_log_put(s, "job_1", "one\n", 4), ERR_OK);
    assert_int_equal(store_job_log_put(s, "job_1", "two\n", 4), ERR_OK);
    assert_int_equal(store_job_log_get(s, "job_1", &b), ERR_OK);
    assert_string_equal(buf_str(&b), "two\n");
    buf_dispose(&b);
}

static void list_jobs(struct store *s, const struct job_filter *f, const char *cursor, size_t limit,
                      char *ids, char next[ID_TEXT * 2])
{
    struct store_page page = {.limit = limit};
    struct job_record *list;
    size_t n;
    snprintf(page.cursor, sizeof page.cursor, "%s", cursor);
    assert_int_equal(store_job_list(s, f, &page, &list, &n), ERR_OK);
    memcpy(next, page.next, sizeof page.next);
    ids[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        strcat(ids, list[i].id + 4);
        job_record_dispose(&list[i]);
    }
    free(list);
}

static void jobs_are_filtered_and_paged(void **state)
{
    struct store *s = store_of(state);
    char next[ID_TEXT * 2], ids[64];
    struct job_record r;
    add_credential(s, "cred_1");
    for (int i = 0; i < 8; i++) {
        char id[16];
        snprintf(id, sizeof id, "job_%d", 9 - i); /* ids and order disagree on purpose */
        new_job(&r, id, i % 2 ? "odd" : "even");
        if (i == 3) snprintf(r.credential, sizeof r.credential, "cred_1");
        if (i == 4) snprintf(r.kind, sizeof r.kind, "reset");
        assert_int_equal(store_job_add(s, &r, "{}", NULL, 0), ERR_OK);
        r.state = i < 4 ? JOB_SUCCEEDED : JOB_QUEUED;
        assert_int_equal(store_job_save(s, &r), ERR_OK);
    }
    struct job_filter f = {0};
    list_jobs(s, &f, "", 100, ids, next);
    assert_string_equal(ids, "23456789");
    assert_string_equal(next, "");
    list_jobs(s, &f, "", 3, ids, next);
    assert_string_equal(ids, "234");
    list_jobs(s, &f, next, 3, ids, next);
    assert_string_equal(ids, "567");
    snprintf(f.slot, sizeof f.slot, "odd");
    list_jobs(s, &f, "", 100, ids, next);
    assert_string_equal(ids, "2468");
    list_jobs(s, &f, "", 2, ids, next);
    list_jobs(s, &f, next, 2, ids, next);
    assert_string_equal(ids, "68");
    assert_string_equal(next, "");
    f.by_state = true;
    f.state = JOB_SUCCEEDED;
    list_jobs(s, &f, "", 100, ids, next);
    assert_string_equal(ids, "68");
    f = (struct job_filter){.kind = "reset"};
    list_jobs(s, &f, "", 100, ids, next);
    assert_string_equal(ids, "5");
    f = (struct job_filter){.credential = "cred_1"};
    list_jobs(s, &f, "", 100, ids, next);
    assert_string_equal(ids, "6");
    f = (struct job_filter){.slot = "' OR 1=1 --"};
    list_jobs(s, &f, "", 100, ids, next);
    assert_string_equal(ids, "");
}

static void a_device_is_noted_again_and_again(void **state)
{
    struct store *s = store_of(state);
    struct device_record d;
    struct device_entry *list, e = {.at_ms = 10,
                                    .job = "job_1",
                                    .slot = "a",
                                    .credential = "cred_1",
                                    .fingerprint_sha256 = "f1",
                                    .method = "rom",
                                    .outcome = JOB_SUCCEEDED,
                                    .detail_json = (char *)"{\"x\":1}"};
    size_t n;
    assert_int_equal(store_device_note(s, "24:0a:c4:00:00:01", "esp32", &e, DEVICE_WRITTEN),
                     ERR_OK);
    struct device_entry failed = {.at_ms = 20,
                                  .job = "job_2",
                                  .slot = "b",
                                  .credential = "cred_2",
                                  .fingerprint_sha256 = "f2",
                                  .method = "at",
                                  .outcome = JOB_FAILED};
    assert_int_equal(store_device_note(s, "24:0a:c4:00:00:01", "", &failed, DEVICE_KEEPS), ERR_OK);
    assert_int_equal(store_device_get(s, "24:0a:c4:00:00:01", &d, &list, &n), ERR_OK);
    assert_string_equal(d.chip, "esp32");
    assert_int_equal(d.first_seen_ms, 10);
    assert_int_equal(d.last_seen_ms, 20);
    assert_string_equal(d.credential, "cred_1"); /* what was verified last */
    assert_string_equal(d.fingerprint_sha256, "f1");
    assert_int_equal(n, 2);
    assert_string_equal(list[0].job, "job_2");
    assert_int_equal(list[0].outcome, JOB_FAILED);
    assert_null(list[0].detail_json);
    assert_string_equal(list[1].method, "rom");
    assert_string_equal(list[1].detail_json, "{\"x\":1}");
    for (size_t i = 0; i < n; i++)
        device_entry_dispose(&list[i]);
    free(list);
    expect(store_device_get(s, "00:00:00:00:00:00", &d, &list, &n), ERR_NOT_FOUND,
           "device_not_found");
    assert_null(list);
    assert_int_equal(n, 0);
    assert_int_equal(store_device_row(s, "24:0a:c4:00:00:01", &d), ERR_OK);
    assert_string_equal(d.fingerprint_sha256, "f1");
    expect(store_device_row(s, "00:00:00:00:00:00", &d), ERR_NOT_FOUND, "device_not_found");
    assert_string_equal(d.mac, "");
}

static void a_device_whose_flash_was_overwritten_has_no_credential_any_more(void **state)
{
    struct store *s = store_of(state);
    struct device_record d;
    struct device_entry e = {
        .at_ms = 10, .credential = "cred_1", .fingerprint_sha256 = "f1", .outcome = JOB_SUCCEEDED};
    assert_int_equal(store_device_note(s, "m", "esp32", &e, DEVICE_WRITTEN), ERR_OK);
    assert_int_equal(store_device_note(s, "m", "esp32", &e, DEVICE_CLEARED), ERR_OK);
    assert_int_equal(store_device_row(s, "m", &d), ERR_OK);
    assert_string_equal(d.credential, "");
    assert_string_equal(d.fingerprint_sha256, "");
    assert_string_equal(d.chip, "esp32");
}

static void a_credential_that_is_about_to_go_is_forgotten_without_an_entry(void **state)
{
    struct store *s = store_of(state);
    struct device_record d;
    struct device_entry *entries;
    size_t n;
    struct device_entry e = {
        .at_ms = 10, .credential = "cred_1", .fingerprint_sha256 = "f1", .outcome = JOB_SUCCEEDED};
    assert_int_equal(store_device_note(s, "m", "esp32", &e, DEVICE_WRITTEN), ERR_OK);
    assert_int_equal(store_device_note(s, "n", "esp32", &e, DEVICE_WRITTEN), ERR_OK);
    assert_int_equal(store_device_forget_credential(s, "m"), ERR_OK);
    assert_int_equal(store_device_get(s, "m", &d, &entries, &n), ERR_OK);
    assert_string_equal(d.credential, "");
    assert_string_equal(d.fingerprint_sha256, "");
    assert_int_equal(n, 1);
    device_entry_dispose(entries);
    free(entries);
    assert_int_equal(store_device_row(s, "n", &d), ERR_OK);
    assert_string_equal(d.credential, "cred_1");
    assert_int_equal(store_device_forget_credential(s, "unknown"), ERR_OK);
    assert_int_equal(store_device_row(s, "unknown", &d), ERR_NOT_FOUND);
}

static void a_device_seen_without_a_write_has_no_credential(void **state)
{
    struct store *s = store_of(state);
    struct device_record d;
    struct device_entry *list, e = {.at_ms = 10, .credential = "cred_1", .outcome = JOB_FAILED};
    size_t n;
    assert_int_equal(store_device_note(s, "m", "esp32", &e, DEVICE_KEEPS), ERR_OK);
    assert_int_equal(store_device_get(s, "m", &d, &list, &n), ERR_OK);
    assert_string_equal(d.credential, "");
    free(list);
}

static void devices_page_from_the_newest(void **state)
{
    struct store *s = store_of(state);
    struct device_record *list;
    struct device_entry e = {.at_ms = 1};
    struct store_page page = {.limit = 2};
    size_t n;
    assert_int_equal(store_device_note(s, "m3", "", &e, DEVICE_KEEPS), ERR_OK);
    assert_int_equal(store_device_note(s, "m1", "", &e, DEVICE_KEEPS), ERR_OK);
    assert_int_equal(store_device_note(s, "m2", "", &e, DEVICE_KEEPS), ERR_OK);
    assert_int_equal(store_device_list(s, "", &page, &list, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_string_equal(list[0].mac, "m2");
    assert_string_equal(page.next, "m1");
    free(list);
    memcpy(page.cursor, page.next, sizeof page.cursor);
    assert_int_equal(store_device_list(s, "", &page, &list, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(list[0].mac, "m3");
    assert_string_equal(page.next, "");
    free(list);
}

static void a_copy_of_a_record_is_its_own(void **state)
{
    (void)state;
    static struct job_record r, copy;
    new_job(&r, "job_1", "a");
    fill_ended_job(&r);
    assert_int_equal(job_record_copy(&r, &copy), ERR_OK);
    assert_ptr_not_equal(r.result_json, copy.result_json);
    assert_string_equal(copy.result_json, r.result_json);
    assert_string_equal(copy.steps[23].error.code, "at_error");
    assert_string_equal(copy.error_step, "step23");
    assert_int_equal(copy.step_count, 24);
    job_record_dispose(&r);
    job_record_dispose(&copy);
    job_record_dispose(&copy);
}

static void state_names_are_those_of_the_contract(void **state)
{
    (void)state;
    static const char *const names[] = {"queued", "running",   "succeeded",
                                        "failed", "cancelled", "interrupted"};
    for (int i = 0; i < 6; i++) {
        enum job_state back;
        assert_string_equal(job_state_name((enum job_state)i), names[i]);
        assert_int_equal(job_state_parse(names[i], &back), ERR_OK);
        assert_int_equal(back, i);
        assert_int_equal(job_state_is_final((enum job_state)i), i > 1);
    }
    enum job_state back;
    assert_int_equal(job_state_parse("done", &back), ERR_ARG);
    assert_string_equal(step_state_name(STEP_SKIPPED), "skipped");
    assert_string_equal(step_state_name(STEP_INTERRUPTED), "interrupted");
}

static void a_good_store_can_be_pinged(void **state)
{
    assert_int_equal(store_ping(store_of(state)), ERR_OK);
    assert_int_equal(store_ping(store_of(state)), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_credential_comes_back_without_its_key),
        TEST(a_credential_that_is_not_there_leaves_the_outputs_empty),
        TEST(the_same_id_twice_is_a_conflict),
        TEST(a_credential_in_use_cannot_be_deleted),
        TEST(a_job_needs_its_credential),
        TEST(credentials_page_from_the_newest),
        TEST(a_page_goes_on_behind_a_deleted_item),
        TEST(images_go_with_their_credential),
        TEST(slots_are_put_listed_and_deleted),
        TEST(a_job_comes_back_whole),
        TEST(words_that_are_not_utf8_do_not_lose_the_record),
        TEST(a_job_that_is_not_there_is_told),
        TEST(a_log_is_replaced_and_may_be_empty),
        TEST(jobs_are_filtered_and_paged),
        TEST(a_device_is_noted_again_and_again),
        TEST(a_device_whose_flash_was_overwritten_has_no_credential_any_more),
        TEST(a_credential_that_is_about_to_go_is_forgotten_without_an_entry),
        TEST(a_device_seen_without_a_write_has_no_credential),
        TEST(devices_page_from_the_newest),
        cmocka_unit_test(a_copy_of_a_record_is_its_own),
        cmocka_unit_test(state_names_are_those_of_the_contract),
        TEST(a_good_store_can_be_pinged),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
