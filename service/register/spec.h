/* spec: what is asked for of a registration: the object "cloud" of an order or a profile, and the
 * body of POST /v1/registrations.
 *
 * "prod" is short for {"name":"prod"};
 * {"name":"prod",
 *  "thing"?:"sensor-{mac}",              default "esp32-{mac}"
 *  "type"?, "attributes"?:{…}, "groups"?:[…],
 *  "certificate"?:"csr"|"aws"|"own"|"claim",   default csr
 *  "key"?:"RSA-2048"|"P-256",            of csr and claim; default RSA-2048
 *  "authority"?:"ca_…",                  own: a local authority signs; else the order's credential
 *  "policy"?:"name"                      one that is there, as it is
 *         | {"name"?,"document"?},       made if it is not there; default: the least that is needed
 *  "claim"?:{"template","credential"?,"parameters"?:{…}},   credential: the claim's; without it one
 *                                        is made for five minutes
 *  "existing"?:true}                     the thing may be there, with certificates of its own
 *
 * {mac}, {slot} and {thing} are filled in, in thing, attributes, parameters. Names: facts of AWS,
 * and narrower: A-Z a-z 0-9 _ - for things and policies that are made here. */
#ifndef SERVICE_REGISTER_SPEC_H
#define SERVICE_REGISTER_SPEC_H

#include <jansson.h>
#include <stdbool.h>

#include "service/base/buf.h"
#include "service/base/id.h"
#include "service/base/json_in.h"
#include "service/pki/keys.h"

enum registration_way {
    WAY_CSR,   /* key and request made here, signed by the cloud */
    WAY_CLOUD, /* "aws": the cloud makes the key */
    WAY_OWN,   /* a certificate from elsewhere is made known to the cloud */
    WAY_CLAIM  /* fleet provisioning by claim */
};
extern const char *const registration_way_names[];

enum { SPEC_PAIRS = 16, SPEC_GROUPS = 10, SPEC_DOCUMENT = 4097 };
struct spec_pair {
    char name[129], value[257];
};
struct register_spec {
    char cloud[64]; /* "" = none is asked for */
    char thing[257], type[129];
    struct spec_pair attributes[SPEC_PAIRS];
    size_t attribute_count;
    char groups[SPEC_GROUPS][129];
    size_t group_count;
    enum registration_way way;
    enum key_kind key;
    char authority[ID_TEXT], credential[ID_TEXT];
    char policy[129];                    /* "" = named after its document */
    char policy_document[SPEC_DOCUMENT]; /* "" = the least that is needed */
    bool policy_is_there;                /* "policy":"name" */
    char claim_template[37], claim_credential[ID_TEXT];
    struct spec_pair parameters[SPEC_PAIRS];
    size_t parameter_count;
    bool existing;
};

/** Read and judge. @param value  a string or an object; borrowed @param pointer  "/cloud"
 *  @param errors  every fault is added */
void spec_read(const json_t *value, const char *pointer, struct register_spec *out,
               struct field_errors *errors);
/** Fill in {mac}, {slot}, {thing}, and judge what came of it. @param mac, slot  NULL = not known
 *  @return ERR_OK; ERR_ARG with code template_word, bad_thing_name or bad_attribute */
enum err spec_fill(struct register_spec *s, const char *mac, const char *slot);
/** The same as an object: what is stored and compared. @return new reference; NULL = no memory */
json_t *spec_to_json(const struct register_spec *s);
/** From what spec_to_json() made. @return ERR_OK, ERR_IO with code store_corrupt */
enum err spec_from_json(const json_t *stored, struct register_spec *out);
#endif
