/* Design: a broken chain has one common harmless form: AWS IoT signs device certificates with a CA
 * of its own that is not published, and its servers with the Amazon roots. There the two have
 * nothing to do with each other, and what matters is only that the root is one of Amazon's. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "service/pki/judge.h"

static bool name_has(const X509_NAME *name, const char *text)
{
    char all[512];
    return strstr(upload_subject(name, all, sizeof all), text) != NULL;
}

/* AWS writes its whole name into one OU, older certificates have it in O and OU. */
static bool is_aws_issued(const X509 *leaf)
{
    const X509_NAME *issuer = X509_get_issuer_name(leaf);
    return name_has(issuer, "Amazon Web Services") && name_has(issuer, "Amazon.com Inc.");
}

static bool is_amazon_root(const X509 *x)
{
    const X509_NAME *name = X509_get_subject_name(x);
    return name_has(name, "CN=Amazon Root CA") ||
           name_has(name, "CN=Starfield Services Root Certificate Authority");
}

static bool has_amazon_root(const struct roles *r)
{
    for (size_t i = 0; i < r->root_count; i++)
        if (is_amazon_root(r->roots[i]->x)) return true;
    return false;
}

static void judge_aws(const struct judge *j)
{
    const struct upload_cert *root = j->roles->roots[0];
    char subject[UPLOAD_SUBJECT];
    if (has_amazon_root(j->roles))
        check_add(j->out, "chain_to_root", CHECK_PASS, "",
                  "AWS IoT issued this certificate with a CA of its own; the root CA in %s is for "
                  "AWS's servers and did not sign it, which is as it should be.",
                  root->file);
    else
        check_add(j->out, "chain_to_root", CHECK_WARN, "root_not_amazon",
                  "AWS IoT issued this certificate, but the root CA in %s (%s) is not Amazon's: to "
                  "connect to AWS IoT send AmazonRootCA1.pem.",
                  root->file,
                  upload_subject(X509_get_subject_name(root->x), subject, sizeof subject));
}

/* Where the way up ended, in a sentence. */
static void explain_break(const struct roles *r, char *out, size_t cap)
{
    const X509 *last = r->verify_last ? r->verify_last : r->leaf->x;
    char subject[60], issuer[60];
    upload_subject(X509_get_subject_name(last), subject, sizeof subject);
    upload_subject(X509_get_issuer_name(last), issuer, sizeof issuer);
    switch (r->verify_error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        snprintf(out, cap, "%s was signed by %s, whose certificate was not sent: add it", subject,
                 issuer);
        break;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        snprintf(out, cap,
                 "%s names %s as its issuer, but another key signed it: send the CA that did",
                 subject, issuer);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        snprintf(out, cap, "%s signed itself: send the certificate that the CA made", subject);
        break;
    default:
        snprintf(out, cap, "at %s: %s", subject, X509_verify_cert_error_string(r->verify_error));
    }
}

void judge_chain(const struct judge *j)
{
    const struct roles *r = j->roles;
    char text[200];
    if (!r->leaf || !r->root_count) return;
    if (r->chained) {
        upload_subject(X509_get_subject_name(r->roots[0]->x), text, UPLOAD_SUBJECT);
        check_add(j->out, "chain_to_root", CHECK_PASS, "",
                  "Signatures lead from the certificate to the root CA in %s (%s)%s.",
                  r->roots[0]->file, text,
                  X509_check_issued(r->roots[0]->x, r->roots[0]->x) == X509_V_OK
                      ? ""
                      : ", which is not self-signed: ESP-AT trusts it all the same");
        return;
    }
    if (is_aws_issued(r->leaf->x)) {
        judge_aws(j);
        return;
    }
    explain_break(r, text, sizeof text);
    check_add(j->out, "chain_to_root", j->rules->allow_unrelated_ca ? CHECK_WARN : CHECK_FAIL,
              "chain_broken", "The root CA in %s did not sign this certificate: %s%s.",
              r->roots[0]->file, text,
              j->rules->allow_unrelated_ca ? "; an unrelated CA is allowed here" : "");
}
