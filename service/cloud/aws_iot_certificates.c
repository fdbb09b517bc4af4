#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/digest.h"
#include "service/cloud/aws_iot_parts.h"
#include "service/cloud/tls_trust.h"

void iot_certificate_dispose(struct iot_certificate *c)
{
    free(c->pem);
    c->pem = NULL;
}

/* AWS's times are seconds, with or without a fraction. */
static int64_t when_ms(const json_t *seconds)
{
    double s = json_number_value(seconds);
    return s > 0 && s < 1e12 ? (int64_t)(s * 1000) : 0;
}

/* What an answer, or a part of one, says of a certificate. */
static enum err read_claim(const struct iot_order *o, const json_t *from,
                           struct iot_certificate *out)
{
    const char *pem = json_string_value(json_object_get(from, "certificatePem"));
    enum err e = iot_take(o, from, "certificateId", out->id, sizeof out->id);
    if (!e && !digest_is_sha256(out->id)) e = iot_bad_answer(o, "certificateId");
    if (!e && pem && !(out->pem = strdup(pem))) e = err_set(ERR_MEM, "out of memory");
    return e;
}

/* A claim's has no more than that; the others do. */
static enum err read_certificate(const struct iot_order *o, const json_t *from,
                                 struct iot_certificate *out)
{
    enum err e = read_claim(o, from, out);
    if (!e) e = iot_take(o, from, "certificateArn", out->arn, sizeof out->arn);
    if (!e && json_object_get(from, "status"))
        e = iot_take(o, from, "status", out->status, sizeof out->status);
    out->created_ms = when_ms(json_object_get(from, "creationDate"));
    return e;
}

/* @param key_out  NULL = the key is ours */
static enum err read_new(const struct iot_order *o, const json_t *body,
                         const struct iot_certificate *c, struct buf *key_out)
{
    if (!c->pem) return iot_bad_answer(o, "certificatePem");
    if (!key_out) return ERR_OK;
    const json_t *pair = json_object_get(body, "keyPair");
    const char *key = json_string_value(json_object_get(pair, "PrivateKey"));
    return key ? buf_puts(key_out, key) : iot_bad_answer(o, "PrivateKey");
}

/* Each call makes another certificate: an answer that cannot be read tells that there is one now,
 * and not which. @param body  taken; NULL = none */
static enum err create(const struct aws_use *u, const struct iot_order *o, json_t *body,
                       struct iot_certificate *out, struct buf *key_out)
{
    struct aws_answer a;
    *out = (struct iot_certificate){0};
    enum err e = key_out ? iot_call(u, o, &a) : iot_call_with(u, o, body, &a);
    if (!e) {
        e = read_certificate(o, a.body, out);
        if (!e) e = read_new(o, a.body, out, key_out);
        struct err_info read = *err_last();
        if (e == ERR_PROTOCOL)
            e = err_fail(ERR_TIMEOUT, "aws_outcome_unknown", read.hint, "%s", read.detail);
    }
    aws_answer_dispose(&a);
    if (e) iot_certificate_dispose(out);
    return e;
}

enum err iot_create_certificate(const struct aws_use *u, const char *csr_pem,
                                struct iot_certificate *out)
{
    const struct iot_order o = {IOT_OPERATION("CreateCertificateFromCsr"), .method = "POST",
                                .before = "/certificates", .query = "setAsActive=false",
                                .once = true};
    json_t *body = json_pack("{s:s}", "certificateSigningRequest", csr_pem);
    return create(u, &o, body, out, NULL);
}

enum err iot_create_keys(const struct aws_use *u, struct iot_certificate *out, struct buf *key_out)
{
    const struct iot_order o = {IOT_OPERATION("CreateKeysAndCertificate"), .method = "POST",
                                .before = "/keys-and-certificate", .query = "setAsActive=false",
                                .once = true};
    return create(u, &o, NULL, out, key_out);
}

enum err iot_create_claim(const struct aws_use *u, const char *template_name,
                          struct iot_certificate *out, struct buf *key_out)
{
    const struct iot_order o = {IOT_OPERATION("CreateProvisioningClaim"), .method = "POST",
                                .before = "/provisioning-templates/", .name = template_name,
                                .after = "/provisioning-claim"};
    struct aws_answer a;
    *out = (struct iot_certificate){0};
    enum err e = iot_call(u, &o, &a);
    if (!e) e = read_claim(&o, a.body, out);
    if (!e) e = read_new(&o, a.body, out, key_out);
    aws_answer_dispose(&a);
    if (e) iot_certificate_dispose(out);
    return e;
}

/* AWS names a certificate by the SHA-256 of its DER. */
static enum err id_of(const char *pem, char out[IOT_CERTIFICATE_ID])
{
    uint8_t digest[SHA256_BYTES];
    unsigned char *der = NULL;
    BIO *b = BIO_new_mem_buf(pem, -1);
    X509 *cert = b ? PEM_read_bio_X509(b, NULL, tls_no_passphrase, NULL) : NULL;
    int n = cert ? i2d_X509(cert, &der) : -1;
    X509_free(cert);
    BIO_free(b);
    ERR_clear_error();
    if (n <= 0)
        return err_fail(ERR_CRYPTO, "certificate_unreadable", "Send a certificate in PEM.",
                        "the certificate cannot be read");
    digest_sha256(der, (size_t)n, digest);
    OPENSSL_free(der);
    digest_hex(digest, sizeof digest, out);
    return ERR_OK;
}

/* It is there: under the name that the refusal tells, or else under the one that it must have. */
static enum err find_registered(const struct aws_use *u, const char *pem,
                                const struct aws_answer *refusal, struct iot_certificate *out)
{
    char id[IOT_CERTIFICATE_ID];
    if (strlen(refusal->resource_id) == IOT_CERTIFICATE_ID - 1) {
        memcpy(id, refusal->resource_id, sizeof id);
    } else {
        enum err e = id_of(pem, id);
        if (e) return e;
    }
    return iot_describe_certificate(u, id, out);
}

enum err iot_register_certificate(const struct aws_use *u, const char *pem, const char *ca_pem,
                                  struct iot_certificate *out, bool *was_there)
{
    struct iot_order o = {IOT_OPERATION("RegisterCertificateWithoutCA"), .method = "POST",
                          .before = "/certificate/register-no-ca"};
    const struct iot_order with_ca = {IOT_OPERATION("RegisterCertificate"), .method = "POST",
                                      .before = "/certificate/register"};
    struct aws_answer a;
    *out = (struct iot_certificate){0};
    *was_there = false;
    if (ca_pem) o = with_ca;
    json_t *body = json_pack("{s:s,s:s*,s:s}", "certificatePem", pem, "caCertificatePem", ca_pem,
                             "status", "INACTIVE");
    enum err e = iot_call_with(u, &o, body, &a);
    if (!e) {
        e = read_certificate(&o, a.body, out);
    } else if (err_is(e, "aws_exists")) {
        *was_there = true;
        e = find_registered(u, pem, &a, out);
    }
    aws_answer_dispose(&a);
    if (e) iot_certificate_dispose(out);
    return e;
}

enum err iot_describe_certificate(const struct aws_use *u, const char *id,
                                  struct iot_certificate *out)
{
    const struct iot_order o = {IOT_OPERATION("DescribeCertificate"), .method = "GET",
                                .before = "/certificates/", .name = id};
    struct aws_answer a;
    *out = (struct iot_certificate){0};
    enum err e = iot_call(u, &o, &a);
    if (!e) e = read_certificate(&o, json_object_get(a.body, "certificateDescription"), out);
    if (!e && !out->status[0]) e = iot_bad_answer(&o, "status");
    aws_answer_dispose(&a);
    if (e) iot_certificate_dispose(out);
    return e;
}

enum err iot_update_certificate(const struct aws_use *u, const char *id, const char *status)
{
    const bool active = strcmp(status, "ACTIVE") == 0;
    const struct iot_order o = {IOT_OPERATION("UpdateCertificate"), .method = "PUT",
                                .before = "/certificates/", .name = id,
                                .query = active ? "newStatus=ACTIVE" : "newStatus=INACTIVE"};
    return iot_do(u, &o);
}

enum err iot_delete_certificate(const struct aws_use *u, const char *id)
{
    const struct iot_order o = {IOT_OPERATION("DeleteCertificate"), .method = "DELETE",
                                .before = "/certificates/", .name = id};
    return iot_gone(iot_do(u, &o));
}

struct listed {
    const struct iot_order *order;
    int64_t since_ms;
    struct iot_certificate *list;
    size_t n, cap;
};

static enum err grow(struct listed *l)
{
    if (l->n < l->cap) return ERR_OK;
    size_t cap = l->cap ? 2 * l->cap : 16;
    struct iot_certificate *longer = realloc(l->list, cap * sizeof *longer);
    if (!longer) return err_set(ERR_MEM, "out of memory");
    l->list = longer;
    l->cap = cap;
    return ERR_OK;
}

/* The newest come first, so the first that is too old ends it. Of an account with very many, those
 * in use would fill the memory. */
static enum err keep_newer(const json_t *items, bool *enough_out, void *arg)
{
    struct listed *l = arg;
    for (size_t i = 0; i < json_array_size(items); i++) {
        struct iot_certificate one = {0};
        enum err e = read_certificate(l->order, json_array_get(items, i), &one);
        *enough_out = !e && one.created_ms < l->since_ms;
        bool wanted = !e && !*enough_out && strcmp(one.status, "INACTIVE") == 0;
        if (wanted) e = grow(l);
        if (wanted && !e)
            l->list[l->n++] = one;
        else
            iot_certificate_dispose(&one);
        if (e || *enough_out) return e;
    }
    return ERR_OK;
}

enum err iot_list_certificates(const struct aws_use *u, int64_t since_ms,
                               struct iot_certificate **list_out, size_t *n_out)
{
    static const struct iot_pages pages = {"certificates", "nextMarker", "isAscendingOrder=false",
                                           "marker", "pageSize=250"};
    const struct iot_order o = {IOT_OPERATION("ListCertificates"), .method = "GET",
                                .before = "/certificates"};
    struct listed l = {.order = &o, .since_ms = since_ms};
    enum err e = iot_each_page(u, &o, &pages, keep_newer, &l);
    for (size_t i = 0; e && i < l.n; i++)
        iot_certificate_dispose(&l.list[i]);
    if (e) {
        free(l.list);
        l = (struct listed){0};
    }
    *list_out = l.list;
    *n_out = l.n;
    return e;
}
