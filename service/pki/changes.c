#include "service/pki/changes.h"

static const struct {
    unsigned flag;
    struct change says;
} names[] = {
    {CHANGE_OTHER_CONTENT, {"other_content", "what is no certificate and no key"}},
    {CHANGE_PKCS12, {"pkcs12", "PKCS#12"}},
    {CHANGE_PKCS7, {"pkcs7", "PKCS#7"}},
    {CHANGE_BASE64, {"base64", "base64 without BEGIN and END"}},
    {CHANGE_DER, {"der", "DER"}},
    {CHANGE_DECRYPTED, {"decrypted", "a private key with a password"}},
    {PEM_CRLF, {"crlf", "CRLF"}},
    {PEM_BOM, {"byte_order_mark", "byte order mark"}},
    {PEM_BAG, {"bag_attributes", "bag attributes"}},
    {PEM_TEXT, {"text_around", "text around the PEM blocks"}},
    {PEM_NO_FINAL_NEWLINE, {"no_final_newline", "no final newline"}},
    {PEM_NUL, {"nul_bytes", "NUL bytes"}},
    {PEM_ESCAPES, {"written_line_ends", "line ends written as \\n"}},
    {PEM_LINES, {"line_lengths", "line lengths"}},
    {CHANGE_EC_PARAMETERS, {"ec_parameters", "EC PARAMETERS"}},
    {CHANGE_LABEL, {"wrong_label", "wrong label"}},
    {CHANGE_TRUST, {"trust_settings", "trust settings"}},
    {CHANGE_TWICE, {"duplicates", "duplicates"}},
    {CHANGE_ORDER, {"chain_order", "order of the chain"}},
    {CHANGE_LEFT_OUT, {"left_out", "certificates that are not needed"}},
};
_Static_assert(sizeof names / sizeof *names <= CHANGES_MAX, "room for all");

size_t changes_list(unsigned changes, struct change out[CHANGES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (changes & names[i].flag) out[n++] = names[i].says;
    return n;
}
