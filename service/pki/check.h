/* check: one named judgement of a credential. */
#ifndef SERVICE_PKI_CHECK_H
#define SERVICE_PKI_CHECK_H

#include <stddef.h>

enum check_verdict { CHECK_PASS, CHECK_WARN, CHECK_FAIL };

struct check {
    char name[32]; /* syntax, kinds, key_matches, chain_to_root, validity, key_type, encrypted_key,
                      fits_partition, … */
    enum check_verdict verdict;
    char code[48];    /* stable code of a warn or fail ("key_mismatch"); "" for a pass */
    char detail[320]; /* one sentence; for a warn or fail it says what to do */
};

enum { CHECKS_MAX = 24 };

struct check_list {
    struct check items[CHECKS_MAX];
    size_t count;
};

/** "pass", "warn" or "fail". */
const char *check_verdict_name(enum check_verdict v);
/** First failed check, NULL when none failed. */
const struct check *check_first_failure(const struct check_list *l);
/** Append a check; @p code is dropped for a pass, the sentence is cut to its place. */
void check_add(struct check_list *l, const char *name, enum check_verdict v, const char *code,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));
#endif
