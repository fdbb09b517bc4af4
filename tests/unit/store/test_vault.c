#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "service/base/file.h"
#include "service/store/vault.h"
#include "tests/unit/store/folder.h"

static const char secret[] = "-----BEGIN PRIVATE KEY-----";

static int setup(void **state)
{
    static struct folder f;
    *state = &f;
    unsetenv("CREDENTIALS_DIRECTORY");
    return folder_make(&f);
}

static int teardown(void **state)
{
    folder_remove(*state);
    return 0;
}

static struct vault *open_good(const struct folder *f)
{
    struct vault *v;
    assert_int_equal(vault_open(f->path, &v), ERR_OK);
    return v;
}

static void seal_good(struct vault *v, struct buf *out)
{
    buf_init(out, 4096);
    assert_int_equal(vault_seal(v, "credential:1", secret, sizeof secret, out), ERR_OK);
}

static void what_was_sealed_opens_again(void **state)
{
    struct vault *v = open_good(*state);
    struct buf sealed, plain;
    seal_good(v, &sealed);
    assert_int_equal(sealed.len, sizeof secret + 1 + 12 + 16);
    assert_null(memmem(sealed.data, sealed.len, "PRIVATE", 7));
    buf_init_secret(&plain, 4096);
    assert_int_equal(buf_puts(&plain, "before:"), ERR_OK);
    assert_int_equal(vault_unseal(v, "credential:1", sealed.data, sealed.len, &plain), ERR_OK);
    assert_int_equal(plain.len, 7 + sizeof secret);
    assert_memory_equal(plain.data + 7, secret, sizeof secret);
    buf_dispose(&sealed);
    buf_dispose(&plain);
    vault_close(v);
}

static void nothing_is_sealed_twice_alike(void **state)
{
    struct vault *v = open_good(*state);
    struct buf a, b;
    seal_good(v, &a);
    seal_good(v, &b);
    assert_memory_not_equal(a.data, b.data, a.len);
    buf_dispose(&a);
    buf_dispose(&b);
    vault_close(v);
}

static void empty_text_can_be_sealed(void **state)
{
    struct vault *v = open_good(*state);
    struct buf sealed, plain;
    buf_init(&sealed, 64);
    buf_init(&plain, 64);
    assert_int_equal(vault_seal(v, "x", "", 0, &sealed), ERR_OK);
    assert_int_equal(vault_unseal(v, "x", sealed.data, sealed.len, &plain), ERR_OK);
    assert_int_equal(plain.len, 0);
    buf_dispose(&sealed);
    buf_dispose(&plain);
    vault_close(v);
}

static void every_changed_byte_is_noticed(void **state)
{
    struct vault *v = open_good(*state);
    struct buf sealed, plain;
    seal_good(v, &sealed);
    buf_init(&plain, 4096);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 1;
        assert_int_equal(vault_unseal(v, "credential:1", sealed.data, sealed.len, &plain),
                         ERR_CRYPTO);
        assert_string_equal(err_last()->code, "vault_broken");
        assert_int_equal(plain.len, 0);
        sealed.data[i] ^= 1;
    }
    for (size_t n = 0; n < sealed.len; n++)
        assert_int_equal(vault_unseal(v, "credential:1", sealed.data, n, &plain), ERR_CRYPTO);
    buf_dispose(&sealed);
    buf_dispose(&plain);
    vault_close(v);
}

static void sealed_bytes_open_only_in_their_context(void **state)
{
    struct vault *v = open_good(*state);
    struct buf sealed, plain;
    seal_good(v, &sealed);
    buf_init(&plain, 4096);
    assert_int_equal(vault_unseal(v, "credential:2", sealed.data, sealed.len, &plain), ERR_CRYPTO);
    assert_int_equal(vault_unseal(v, "", sealed.data, sealed.len, &plain), ERR_CRYPTO);
    buf_dispose(&sealed);
    buf_dispose(&plain);
    vault_close(v);
}

static void the_key_file_is_ours_alone_and_is_kept(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    struct stat st;
    struct buf sealed, plain;
    mode_t former = umask(0);
    struct vault *v = open_good(f);
    umask(former);
    seal_good(v, &sealed);
    vault_close(v);
    assert_int_equal(stat(folder_file(f, "vault.key", path), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);
    v = open_good(f);
    buf_init(&plain, 4096);
    assert_int_equal(vault_unseal(v, "credential:1", sealed.data, sealed.len, &plain), ERR_OK);
    buf_dispose(&sealed);
    buf_dispose(&plain);
    vault_close(v);
}

static void refuse(const struct folder *f, const char *words)
{
    struct vault *v = (struct vault *)1;
    assert_int_equal(vault_open(f->path, &v), ERR_IO);
    assert_string_equal(err_last()->code, "vault_key");
    assert_non_null(strstr(err_last()->detail, words));
    assert_null(v);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    vault_close(open_good(f));
    folder_file(f, "vault.key", path);
    static const mode_t modes[] = {0640, 0604, 0620, 0660, 0666};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        refuse(f, "others may read it");
    }
}

static void a_key_of_the_wrong_size_is_refused(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE], key[33] = {0};
    folder_file(f, "vault.key", path);
    static const size_t sizes[] = {0, 31, 33};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(file_replace(path, key, sizes[i], 0600), ERR_OK);
        refuse(f, "32 bytes");
    }
}

static void a_key_that_is_no_file_is_refused(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    folder_file(f, "vault.key", path);
    assert_int_equal(symlink("/dev/zero", path), 0);
    refuse(f, "vault.key");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse(f, "is not a file");
}

static void the_systemd_credential_goes_before_the_file(void **state)
{
    const struct folder *f = *state;
    struct folder credentials;
    char path[FOLDER_FILE], key[32];
    struct buf sealed, plain;
    assert_int_equal(folder_make(&credentials), 0);
    setenv("CREDENTIALS_DIRECTORY", credentials.path, 1);
    memset(key, 7, sizeof key);
    folder_file(&credentials, "espgate.vault-key", path);
    assert_int_equal(file_replace(path, key, sizeof key, 0440), ERR_OK);
    struct vault *v = open_good(f);
    seal_good(v, &sealed);
    vault_close(v);
    assert_int_equal(access(folder_file(f, "vault.key", path), F_OK), -1);

    unsetenv("CREDENTIALS_DIRECTORY"); /* now another key is made */
    v = open_good(f);
    buf_init(&plain, 4096);
    assert_int_equal(vault_unseal(v, "credential:1", sealed.data, sealed.len, &plain), ERR_CRYPTO);
    vault_close(v);

    setenv("CREDENTIALS_DIRECTORY", credentials.path, 1);
    folder_file(&credentials, "espgate.vault-key", path);
    assert_int_equal(chmod(path, 0444), 0);
    refuse(f, "others may read it");
    unsetenv("CREDENTIALS_DIRECTORY");
    folder_remove(&credentials);
    buf_dispose(&sealed);
    buf_dispose(&plain);
}

static void a_missing_systemd_credential_means_the_file(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    setenv("CREDENTIALS_DIRECTORY", "/nonexistent", 1);
    vault_close(open_good(f));
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(access(folder_file(f, "vault.key", path), F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_sealed_opens_again),
        TEST(nothing_is_sealed_twice_alike),
        TEST(empty_text_can_be_sealed),
        TEST(every_changed_byte_is_noticed),
        TEST(sealed_bytes_open_only_in_their_context),
        TEST(the_key_file_is_ours_alone_and_is_kept),
        TEST(a_key_that_others_may_read_is_refused),
        TEST(a_key_of_the_wrong_size_is_refused),
        TEST(a_key_that_is_no_file_is_refused),
        TEST(the_systemd_credential_goes_before_the_file),
        TEST(a_missing_systemd_credential_means_the_file),
    };
    return cmocka_run_group_tests_name("vault", tests, NULL, NULL);
}
