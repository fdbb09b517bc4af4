/* fake_state: an account at a cloud in memory, in the place of service/cloud/aws_iot_*.c. Of each
 * call it can be said that the process ends before it is done, or before its answer comes; and of
 * single ones that their answer is lost, or that they fail. */
#ifndef TESTS_UNIT_REGISTER_FAKE_STATE_H
#define TESTS_UNIT_REGISTER_FAKE_STATE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/pki/authority.h"
#include "service/pki/certificate.h"
#include "service/pki/csr.h"
#include "service/cloud/aws_iot.h"

enum { FAKE_MANY = 16, FAKE_PEM = 4096 };
#define FAKE_ARN "arn:aws:iot:us-east-2:123456789012:"

static struct {
    struct fake_thing {
        char name[129], type[129];
        json_t *attributes;
    } things[FAKE_MANY];
    struct fake_certificate {
        char id[65], pem[FAKE_PEM], status[24], policy[129], thing[129];
        int detaching; /* so many times it cannot be deleted yet */
    } certificates[FAKE_MANY];
    struct fake_policy {
        char name[129], document[2049];
    } policies[FAKE_MANY];

    int calls;      /* so far */
    int end_at;     /* the process ends at this one; 0 = never */
    bool end_after; /* once it is done, but its answer is lost */
    bool ended;
    const char *fail_always;
    const char *fail_operation, *fail_code; /* this one fails so, once … */
    enum err fail_kind;
    bool fail_done; /* … although it was done */
    int detach_delay;
    const char *account; /* whose keys are used; NULL = those of FAKE_ARN */
    int created;         /* certificates that were ever made */
    struct buf root_key, root;
} cloud;

/* --- for tests --- */

static void cloud_start(void)
{
    struct subject subject = {.parts = {[SUBJECT_CN] = "cloud"}};
    struct certificate_info info;
    const struct authority_spec spec = {KEY_P256, &subject, clock_now_ms() / 1000, 365};
    memset(&cloud, 0, sizeof cloud);
    buf_init_secret(&cloud.root_key, FAKE_PEM);
    buf_init(&cloud.root, FAKE_PEM);
    if (authority_make(&spec, &cloud.root_key, &cloud.root, &info)) abort();
}

static void cloud_clear(void)
{
    for (int i = 0; i < FAKE_MANY; i++)
        json_decref(cloud.things[i].attributes);
    memset(cloud.things, 0, sizeof cloud.things);
    memset(cloud.certificates, 0, sizeof cloud.certificates);
    memset(cloud.policies, 0, sizeof cloud.policies);
    cloud.calls = cloud.end_at = cloud.detach_delay = cloud.created = 0;
    cloud.ended = cloud.end_after = false;
    cloud.fail_operation = cloud.fail_always = cloud.account = NULL;
}

static void cloud_stop(void)
{
    cloud_clear();
    buf_dispose(&cloud.root_key);
    buf_dispose(&cloud.root);
}

#define COUNT(list, member, out)                                                                   \
    for (int i_ = (out = 0); i_ < FAKE_MANY; i_++)                                                 \
    out += cloud.list[i_].member[0] != '\0'

/* --- how a call goes --- */

enum turn { DONE, NOT_DONE, DONE_UNHEARD };

static enum err say(enum turn t)
{
    if (t == DONE) return ERR_OK;
    if (cloud.ended) return err_fail(ERR_CANCELLED, "cancelled", NULL, "the process ended");
    enum err e = err_fail(cloud.fail_kind, cloud.fail_code, NULL, "as the test wants it");
    return e;
}

static enum turn turn(const char *operation)
{
    if (cloud.ended) return NOT_DONE;
    cloud.calls++;
    if (cloud.end_at && cloud.calls == cloud.end_at) {
        cloud.ended = true;
        return cloud.end_after ? DONE_UNHEARD : NOT_DONE;
    }
    if (cloud.fail_always && strcmp(cloud.fail_always, operation) == 0) return NOT_DONE;
    if (cloud.fail_operation && strcmp(cloud.fail_operation, operation) == 0) {
        cloud.fail_operation = NULL;
        return cloud.fail_done ? DONE_UNHEARD : NOT_DONE;
    }
    return DONE;
}

static enum err refuse(enum err e, const char *code)
{
    return err_fail(e, code, NULL, "said by the cloud");
}

static enum err missing(void)
{
    return refuse(ERR_NOT_FOUND, "aws_not_found");
}

/* One by its name, or a free one for "". */
#define FIND(list, member, what, out)                                                              \
    do {                                                                                           \
        (out) = NULL;                                                                              \
        for (int i_ = 0; i_ < FAKE_MANY && !(out); i_++)                                           \
            if (strcmp(cloud.list[i_].member, what) == 0) (out) = &cloud.list[i_];                 \
    } while (0)

static struct fake_thing *thing_of(const char *name)
{
    struct fake_thing *t;
    FIND(things, name, name, t);
    return t;
}

static struct fake_policy *policy_of(const char *name)
{
    struct fake_policy *p;
    FIND(policies, name, name, p);
    return p;
}

static struct fake_certificate *certificate_of(const char *id)
{
    struct fake_certificate *c;
    FIND(certificates, id, id, c);
    return c;
}

static struct fake_certificate *certificate_at(const char *arn)
{
    const char *id = strrchr(arn, '/');
    return id ? certificate_of(id + 1) : NULL;
}
#endif
