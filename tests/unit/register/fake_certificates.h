/* fake_certificates: in the place of aws_iot_certificates.c. */
#ifndef TESTS_UNIT_REGISTER_FAKE_CERTIFICATES_H
#define TESTS_UNIT_REGISTER_FAKE_CERTIFICATES_H

#include "tests/unit/register/fake_state.h"

static void describe_to(const struct fake_certificate *c, struct iot_certificate *out)
{
    snprintf(out->id, sizeof out->id, "%s", c->id);
    snprintf(out->arn, sizeof out->arn, FAKE_ARN "cert/%s", c->id);
    snprintf(out->status, sizeof out->status, "%s", c->status);
    out->created_ms = clock_now_ms();
}

void iot_certificate_dispose(struct iot_certificate *c)
{
    free(c->pem);
    *c = (struct iot_certificate){.id = ""};
}

static struct fake_certificate *issue(const char *csr)
{
    struct certificate_info info;
    struct buf pem;
    const struct certificate_order order = {
        .request_pem = csr, .request_len = strlen(csr), .now_unix_s = clock_now_ms() / 1000};
    struct fake_certificate *c = certificate_of("");
    buf_init(&pem, FAKE_PEM);
    if (!c || authority_sign(buf_str(&cloud.root), buf_str(&cloud.root_key), cloud.root_key.len,
                             &order, &pem, &info))
        abort();
    snprintf(c->id, sizeof c->id, "%s", info.fingerprint_sha256);
    snprintf(c->pem, sizeof c->pem, "%s", buf_str(&pem));
    snprintf(c->status, sizeof c->status, "INACTIVE");
    cloud.created++;
    buf_dispose(&pem);
    return c;
}

enum err iot_create_certificate(const struct aws_use *u, const char *csr,
                                struct iot_certificate *out)
{
    (void)u;
    enum turn t = turn("CreateCertificateFromCsr");
    *out = (struct iot_certificate){.id = ""};
    if (t == NOT_DONE) return say(t);
    struct fake_certificate *c = issue(csr);
    if (t != DONE) return say(t);
    describe_to(c, out);
    out->pem = strdup(c->pem);
    return ERR_OK;
}

enum err iot_create_keys(const struct aws_use *u, struct iot_certificate *out, struct buf *key_out)
{
    (void)u;
    enum turn t = turn("CreateKeysAndCertificate");
    struct subject subject = {.parts = {[SUBJECT_CN] = "AWS IoT Certificate"}};
    struct csr_info info;
    struct buf key, csr;
    *out = (struct iot_certificate){.id = ""};
    if (t == NOT_DONE) return say(t);
    buf_init_secret(&key, FAKE_PEM);
    buf_init(&csr, FAKE_PEM);
    if (key_make(KEY_P256, &key) || csr_make(buf_str(&key), key.len, &subject, &csr, &info))
        abort();
    struct fake_certificate *c = issue(buf_str(&csr));
    if (t == DONE) {
        describe_to(c, out);
        out->pem = strdup(c->pem);
        buf_puts(key_out, buf_str(&key));
    }
    buf_dispose(&key);
    buf_dispose(&csr);
    return say(t);
}

enum err iot_register_certificate(const struct aws_use *u, const char *pem, const char *ca_pem,
                                  struct iot_certificate *out, bool *was_there)
{
    (void)u, (void)ca_pem;
    char id[65], key[65];
    enum turn t = turn("RegisterCertificateWithoutCA");
    *out = (struct iot_certificate){.id = ""};
    *was_there = false;
    if (t == NOT_DONE) return say(t);
    if (certificate_digests(pem, id, key)) return refuse(ERR_ARG, "aws_invalid");
    struct fake_certificate *c = certificate_of(id);
    *was_there = c != NULL;
    if (!c) {
        c = certificate_of("");
        snprintf(c->id, sizeof c->id, "%s", id);
        snprintf(c->pem, sizeof c->pem, "%s", pem);
        snprintf(c->status, sizeof c->status, "INACTIVE");
        cloud.created++;
    }
    if (t == DONE) describe_to(c, out);
    return say(t);
}

enum err iot_describe_certificate(const struct aws_use *u, const char *id,
                                  struct iot_certificate *out)
{
    (void)u;
    enum turn t = turn("DescribeCertificate");
    struct fake_certificate *c = certificate_of(id);
    *out = (struct iot_certificate){.id = ""};
    if (t != DONE) return say(t);
    if (!c) return missing();
    describe_to(c, out);
    out->pem = strdup(c->pem);
    return ERR_OK;
}

enum err iot_update_certificate(const struct aws_use *u, const char *id, const char *status)
{
    (void)u;
    enum turn t = turn("UpdateCertificate");
    struct fake_certificate *c = certificate_of(id);
    if (t == NOT_DONE) return say(t);
    if (!c) return missing();
    snprintf(c->status, sizeof c->status, "%s", status);
    return say(t);
}

enum err iot_delete_certificate(const struct aws_use *u, const char *id)
{
    (void)u;
    enum turn t = turn("DeleteCertificate");
    struct fake_certificate *c = certificate_of(id);
    if (t == NOT_DONE) return say(t);
    if (c && strcmp(c->status, "ACTIVE") == 0) return refuse(ERR_CONFLICT, "aws_state");
    if (c && (c->thing[0] || c->policy[0] || c->detaching-- > 0))
        return refuse(ERR_CONFLICT, "aws_conflict");
    if (c) memset(c, 0, sizeof *c);
    return say(t);
}

enum err iot_list_certificates(const struct aws_use *u, int64_t since_ms,
                               struct iot_certificate **list_out, size_t *n_out)
{
    (void)u, (void)since_ms;
    enum turn t = turn("ListCertificates");
    *list_out = calloc(FAKE_MANY, sizeof **list_out);
    *n_out = 0;
    for (int i = 0; t == DONE && i < FAKE_MANY; i++)
        if (cloud.certificates[i].id[0])
            describe_to(&cloud.certificates[i], &(*list_out)[(*n_out)++]);
    return say(t);
}
#endif
