#include "service/pki/judge.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_PARTITION = 8192, ITEM_OVERHEAD = 12 };

/* The first part of a name in a sentence: a file and what the certificate in it says. */
struct named {
    char text[UPLOAD_NAME + UPLOAD_SUBJECT + 4];
};

static struct named named(const struct upload_cert *c)
{
    struct named out;
    char subject[UPLOAD_SUBJECT];
    upload_subject(X509_get_subject_name(c->x), subject, sizeof subject);
    snprintf(out.text, sizeof out.text, "%s (%s)", c->file, subject);
    return out;
}

static void judge_syntax(const struct judge *j)
{
    const struct upload *u = j->upload;
    const struct upload_note *p = &u->problem;
    char more[48] = "";
    if (p->count > 1) snprintf(more, sizeof more, " (and %zu more like this)", p->count - 1);
    if (p->count)
        check_add(j->out, "syntax", CHECK_FAIL, p->code, "%s%s", p->detail, more);
    else if (u->public_key_file[0])
        check_add(j->out, "syntax", CHECK_WARN, "public_key",
                  "%s is a public key: the board does not need it, it is left out.",
                  u->public_key_file);
    else
        check_add(j->out, "syntax", CHECK_PASS, "",
                  "Every file is a certificate or a private key.");
}

static void judge_encrypted(const struct judge *j)
{
    const struct upload *u = j->upload;
    const struct upload_locked *l = &u->locked;
    if (!strcmp(l->code, "encrypted_key"))
        check_add(j->out, "encrypted_key", CHECK_FAIL, l->code,
                  "%s has a password, which the board cannot ask for: send the password along, and "
                  "what it protects is kept without it.",
                  l->file);
    else if (l->file[0])
        check_add(j->out, "encrypted_key", CHECK_FAIL, l->code, "%s: %s.", l->file, l->why);
    else if (u->key.pkey)
        check_add(j->out, "encrypted_key", CHECK_PASS, "",
                  "No password keeps the private key closed.");
}

struct missing {
    bool key, certificate, root;
};

/* What is there instead of what is missing: this is where most uploads go wrong. */
static void explain_missing(const struct judge *j, const struct missing *m, char *out, size_t cap)
{
    const struct upload *u = j->upload;
    const struct roles *r = j->roles;
    out[0] = '\0';
    if (m->key && u->public_key_file[0])
        snprintf(out, cap, " %s is only the public half of a key.", u->public_key_file);
    else if (m->certificate && r->root_count)
        snprintf(out, cap, " %s is a CA's certificate, not the device's own.",
                 named(r->roots[0]).text);
    else if (m->root && r->left_out_count)
        snprintf(out, cap, " %s is not a CA.", named(r->left_out[0]).text);
    else if (m->root && r->leaf)
        snprintf(out, cap, " Only %s was sent.", named(r->leaf).text);
}

static void judge_missing(const struct judge *j, const struct missing *m)
{
    char why[UPLOAD_NAME + UPLOAD_SUBJECT + 60];
    explain_missing(j, m, why, sizeof why);
    check_add(j->out, "kinds", CHECK_FAIL,
              m->key           ? "missing_key"
              : m->certificate ? "missing_certificate"
                               : "missing_root_ca",
              "Missing: %s%s%s%s%s.%s Send certificate, private key and root CA together.",
              m->key ? "the private key" : "", m->key && (m->certificate || m->root) ? ", " : "",
              m->certificate ? "the device's certificate" : "",
              m->certificate && m->root ? ", " : "", m->root ? "the root CA" : "", why);
}

static void judge_kinds(const struct judge *j)
{
    const struct upload *u = j->upload;
    const struct roles *r = j->roles;
    struct missing m = {
        .key = !u->key.pkey && !u->locked.file[0], .certificate = !r->leaf, .root = !r->root_count};
    if (u->other_key_count) {
        check_add(j->out, "kinds", CHECK_FAIL, "two_keys",
                  "%s and %s hold different private keys: send only the device's own.", u->key.file,
                  u->other_keys[0].file);
    } else if (u->locked.whole) {
        return; /* nobody knows what is in it */
    } else if (m.key || m.certificate || m.root) {
        judge_missing(j, &m);
    } else if (r->leaf_ambiguous) {
        check_add(j->out, "kinds", CHECK_FAIL, "two_certificates",
                  "The key in %s belongs to %s and to another certificate: send only the one that "
                  "the board shall use.",
                  u->key.file, named(r->leaf).text);
    } else if (u->same_key_file[0]) {
        check_add(j->out, "kinds", CHECK_WARN, "two_certificates",
                  "The key in %s belongs to %s and to the certificate in %s: use only one of them.",
                  u->key.file, named(r->leaf).text, u->same_key_file);
    } else if (r->left_out_count) {
        check_add(j->out, "kinds", CHECK_WARN, "extra_certificate",
                  "%s leads nowhere here: it is left out%s.", named(r->left_out[0]).text,
                  r->left_out_count > 1 ? ", and so are others" : "");
    } else if (roles_is_ca(r->leaf->x)) {
        check_add(j->out, "kinds", CHECK_WARN, "ca_as_device",
                  "%s is a CA: who reads its key from a board can make certificates; use one with "
                  "CA:FALSE.",
                  named(r->leaf).text);
    } else {
        check_add(j->out, "kinds", CHECK_PASS, "",
                  "Certificate %s with %zu above it, a key, %zu root CA%s.", named(r->leaf).text,
                  r->chain_count, r->root_count, r->root_count == 1 ? "" : "s");
    }
}

void judge_files(const struct judge *j)
{
    judge_syntax(j);
    judge_encrypted(j);
    judge_kinds(j);
}

void judge_sizes(const struct judge *j, const size_t text_len[3])
{
    static const char *const names[] = {"certificate", "private key", "root CA"};
    size_t room = j->rules->partition_size ? j->rules->partition_size : DEFAULT_PARTITION;
    size_t largest = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t image = text_len[i] ? ITEM_OVERHEAD + ((text_len[i] + 3) & ~(size_t)3) : 0;
        if (image > largest) largest = image;
        if (image <= room) continue;
        check_add(j->out, "fits_partition", CHECK_FAIL, "too_large_for_partition",
                  "The image of the %s has %zu bytes, its partition %zu: %s.", names[i], image,
                  room,
                  i == CREDENTIAL_KEY ? "use a P-256 key"
                                      : "leave out certificates that are not "
                                        "needed");
        return;
    }
    if (largest)
        check_add(j->out, "fits_partition", CHECK_PASS, "",
                  "The largest image has %zu bytes, each partition %zu.", largest, room);
}

#define ZIP_HINT "Or send the files one by one, without a zip."

static const struct {
    const char *code, *hint;
} hints[] = {
    {"bad_pem", "A PEM block starts with -----BEGIN and ends with -----END, whole lines both."},
    {"not_pki",
     "Send the certificate, the private key and the root CA: PEM, DER, PKCS#12 or a zip."},
    {"empty_file",
     "Send the certificate, the private key and the root CA: PEM, DER, PKCS#12 or a zip."},
    {"encrypted_key",
     "Send it in the field \"password\" beside the files; or \"openssl pkey -in KEY -out "
     "plain.pem\" writes the key without it."},
    {"wrong_password", "Send the password that the file was exported or encrypted with."},
    {"password_too_slow", "Export it again with fewer rounds, as \"openssl pkcs12 -export\" does."},
    {"password_method", "Export it again with a usual cipher, as \"openssl pkcs12 -export\" does."},
    {"pkcs12", "Export certificate and key again."},
    {"pkcs7", "Export the chain again, with its certificates, or send them as PEM."},
    {"zip_damaged", ZIP_HINT},
    {"zip_unsupported", ZIP_HINT},
    {"zip_too_large", ZIP_HINT},
    {"zip_too_many_files", ZIP_HINT},
    {"missing_key", "AWS shows a device's private key only once; without it make a new pair."},
    {"missing_certificate", "It is the one that names the device, e.g. xxxx-certificate.pem.crt."},
    {"missing_root_ca", "For AWS IoT it is AmazonRootCA1.pem; else the CA that signed the broker's "
                        "certificate."},
    {"two_keys", "A board holds one key."},
    {"key_type", "Make an RSA key of 2048 bits or a P-256 key, and a certificate for it."},
    {"weak_key", "Make an RSA key of 2048 bits or a P-256 key, and a certificate for it."},
    {"key_mismatch", "For a pair, \"openssl x509 -in CERT -noout -pubkey\" and \"openssl pkey -in "
                     "KEY -pubout\" print the same."},
    {"chain_broken", "If broker and devices have separate CAs on purpose, send it with "
                     "?allow=chain_to_root."},
    {"cert_expired", "Issue a new certificate. Is the clock of this machine right?"},
    {"cert_not_yet_valid", "Is the clock of this machine right?"},
    {"ca_expired", "Get the CA's present certificate. Is the clock of this machine right?"},
    {"ca_not_yet_valid", "Is the clock of this machine right?"},
    {"too_large_for_partition",
     "Use a P-256 key, a shorter chain, only the root CA of the broker."},
};

const char *judge_hint(const char *code)
{
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (!strcmp(hints[i].code, code)) return hints[i].hint;
    return NULL;
}
