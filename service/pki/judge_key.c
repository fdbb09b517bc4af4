/* Design: that a key belongs to a certificate is shown by use: what the key signs, the certificate
 * verifies. Comparing the public halves alone would let a damaged private half through, and the
 * board would be the first to notice. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "service/pki/judge.h"

enum { RSA_MIN = 2048, RSA_MAX = 4096 };

static bool has_explicit_curve(const EVP_PKEY *key)
{
    char encoding[16] = "";
    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding,
                                          sizeof encoding, NULL) == 1 &&
           !strcmp(encoding, OSSL_PKEY_EC_ENCODING_EXPLICIT);
}

static void curve_name(const EVP_PKEY *key, char *out, size_t cap)
{
    char name[40] = "";
    EVP_PKEY_get_group_name(key, name, sizeof name, NULL);
    if (!strcmp(name, "prime256v1"))
        snprintf(out, cap, "P-256");
    else if (!strcmp(name, "secp384r1"))
        snprintf(out, cap, "P-384");
    else if (!strcmp(name, "secp521r1"))
        snprintf(out, cap, "P-521");
    else
        snprintf(out, cap, "%.15s", *name ? name : "EC");
}

const char *judge_key_name(const EVP_PKEY *key, char out[16])
{
    const char *type = EVP_PKEY_get0_type_name(key);
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        snprintf(out, 16, "RSA-%d", EVP_PKEY_get_bits(key));
        break;
    case EVP_PKEY_EC:
        curve_name(key, out, 16);
        break;
    default:
        snprintf(out, 16, "%.15s", type ? type : "unknown");
    }
    return out;
}

const char *judge_key_refusal(const EVP_PKEY *key, const char *name)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        int bits = EVP_PKEY_get_bits(key);
        return bits < RSA_MIN ? "weak_key" : bits > RSA_MAX ? "key_type" : "";
    }
    if (has_explicit_curve(key)) return "key_type";
    return !strcmp(name, "P-256") || !strcmp(name, "P-384") ? "" : "key_type";
}

/* @return whether the key may be used */
static bool judge_type(const struct judge *j)
{
    const struct upload *u = j->upload;
    const struct upload_cert *leaf = j->roles->leaf;
    const EVP_PKEY *key = u->key.pkey ? u->key.pkey : leaf ? X509_get0_pubkey(leaf->x) : NULL;
    const char *file = u->key.pkey ? u->key.file : leaf ? leaf->file : "";
    char name[16];
    if (!key && !leaf) return false;
    if (!key) {
        check_add(j->out, "key_type", CHECK_FAIL, "key_type",
                  "The certificate %s has a key of an unknown kind: use RSA of 2048 to 4096 bits, "
                  "P-256 or P-384.",
                  file);
        return false;
    }
    judge_key_name(key, name);
    const char *code = judge_key_refusal(key, name);
    if (!*code) {
        if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
            check_add(j->out, "key_type", CHECK_WARN, "ec_key",
                      "The key in %s is %s: ESP-AT v3.0 to v3.2 cannot use it, other releases can: "
                      "use an RSA key where a board has one of those.",
                      file, name);
        else
            check_add(j->out, "key_type", CHECK_PASS, "", "The key in %s is %s.", file, name);
        return true;
    }
    if (!strcmp(code, "weak_key"))
        check_add(
            j->out, "key_type", CHECK_FAIL, code,
            "The key in %s is %s, which is too short to be safe: use RSA of 2048 bits or P-256.",
            file, name);
    else
        check_add(
            j->out, "key_type", CHECK_FAIL, code,
            "The key in %s is %s%s, which the board cannot use: use RSA of 2048 to 4096 bits, "
            "P-256 or P-384.",
            file, name,
            has_explicit_curve(key) ? " with its curve spelled out instead of named" : "");
    return false;
}

static bool signs_for(EVP_PKEY *private_key, EVP_PKEY *public_key)
{
    static const uint8_t text[] = "espgate";
    uint8_t signature[RSA_MAX / 8];
    size_t n = sizeof signature;
    EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
    bool ok = sign && verify &&
              EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, private_key) == 1 &&
              EVP_DigestSign(sign, signature, &n, text, sizeof text) == 1 &&
              EVP_DigestVerifyInit(verify, NULL, EVP_sha256(), NULL, public_key) == 1 &&
              EVP_DigestVerify(verify, signature, n, text, sizeof text) == 1;
    EVP_MD_CTX_free(sign);
    EVP_MD_CTX_free(verify);
    ERR_clear_error();
    return ok;
}

static void judge_matches(const struct judge *j, bool usable)
{
    const struct upload_key *key = &j->upload->key;
    const struct upload_cert *leaf = j->roles->leaf;
    if (!key->pkey || !leaf) return;
    if (!j->roles->leaf_matches) {
        char subject[UPLOAD_SUBJECT];
        check_add(j->out, "key_matches", CHECK_FAIL, "key_mismatch",
                  "The key in %s does not belong to the certificate in %s (%s): send the two that "
                  "were made for each other.",
                  key->file, leaf->file,
                  upload_subject(X509_get_subject_name(leaf->x), subject, sizeof subject));
    } else if (usable && !signs_for(key->pkey, X509_get0_pubkey(leaf->x))) {
        check_add(j->out, "key_matches", CHECK_FAIL, "key_damaged",
                  "The key in %s names the certificate's public key but does not sign for it: the "
                  "file is damaged, send it again.",
                  key->file);
    } else {
        check_add(j->out, "key_matches", CHECK_PASS, "",
                  "The key in %s belongs to the certificate in %s%s.", key->file, leaf->file,
                  usable ? ": it signs what the certificate verifies" : "");
    }
}

void judge_key(const struct judge *j)
{
    bool usable = judge_type(j);
    judge_matches(j, usable);
}
