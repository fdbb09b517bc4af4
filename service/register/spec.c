/* spec: one reader for what comes in and for what was stored: a filled-in spec, written out, reads
 * as one that has no words left to fill in. */
#include "service/register/spec.h"

#include <stdio.h>
#include <string.h>

#include "service/base/template.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* What AWS takes; for names that are made here less, so that they are the same in a path, in a
 * policy's resource and in a file's name. */
static const char plain_chars[] = LETTERS "_-", group_chars[] = LETTERS ":_-",
                  policy_chars[] = LETTERS "_+=,.@-", attribute_chars[] = LETTERS "_.,@/:#-";

enum { ATTRIBUTES_WITHOUT_TYPE = 3, POLICY_BYTES = 2048, THING_MAX = 128 };

const char *const registration_way_names[] = {"csr", "aws", "own", "claim", NULL};

struct reader { /* where it reads, and whom it tells */
    const char *at;
    struct field_errors *errors;
    struct register_spec *out;
    bool stored; /* it is our own: the credential is in it, too */
};

static void fault(const struct reader *r, const char *member, const char *detail)
{
    char pointer[sizeof((struct field_error *)0)->pointer];
    snprintf(pointer, sizeof pointer, "%s%s", r->at, member);
    field_errors_add(r->errors, pointer, "%s", detail);
}

static bool has_only(const char *text, const char *chars)
{
    return text[strspn(text, chars)] == '\0';
}

static void judge(const struct reader *r, const char *member, const char *text, const char *chars,
                  const char *detail)
{
    if (!has_only(text, chars)) fault(r, member, detail);
}

static void judge_id(const struct reader *r, const char *member, const char *id)
{
    if (id[0] && !id_is_name(id, ID_TEXT - 1))
        fault(r, member, "is not the id of anything that is kept here");
}

/* --- words --- */

enum { WORDS_OF_THING = 2 };

/* The words of a text, where they stand for nothing: what is left is judged as it is. */
static bool without_words(const char *text, size_t words, char *out, size_t cap)
{
    const struct template_word none[] = {{"{mac}", ""}, {"{slot}", ""}, {"{thing}", ""}};
    return template_fill(text, none, words, out, cap) == ERR_OK;
}

static void judge_thing(const struct reader *r, const char *thing)
{
    char rest[sizeof r->out->thing];
    if (!without_words(thing, WORDS_OF_THING, rest, sizeof rest) || !has_only(rest, plain_chars))
        fault(r, "/thing",
              "may hold only letters, digits, '_' and '-', and the words {mac} and {slot}");
}

/* --- objects of strings --- */

static void read_pair(const struct reader *r, const char *member, const char *name,
                      const json_t *value, struct spec_pair *out)
{
    char rest[sizeof out->value];
    bool of_thing = strcmp(member, "/attributes") == 0;
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    if (strlen(name) < 1 || strlen(name) >= sizeof out->name ||
        (of_thing && !has_only(name, attribute_chars)))
        fault(r, member, "has a name that AWS does not take");
    else if (!text || n >= sizeof out->value || strlen(text) != n)
        fault(r, member, "must hold strings of at most 256 bytes");
    else if (of_thing && (!without_words(text, WORDS_OF_THING + 1, rest, sizeof rest) ||
                          !has_only(rest, attribute_chars)))
        fault(r, member, "has a value that AWS does not take: letters, digits and _.,@/:#- only");
    else {
        snprintf(out->name, sizeof out->name, "%s", name);
        snprintf(out->value, sizeof out->value, "%s", text);
    }
}

static void read_pairs(const struct reader *r, const char *member, json_t *object,
                       struct spec_pair *out, size_t *count_out)
{
    const char *name;
    json_t *value;
    if (json_object_size(object) > SPEC_PAIRS) {
        fault(r, member, "has more than 16 members");
        return;
    }
    json_object_foreach(object, name, value)
    {
        read_pair(r, member, name, value, &out[(*count_out)++]);
    }
}

/* --- parts --- */

static void read_groups(const struct reader *r, const json_t *groups)
{
    struct register_spec *s = r->out;
    for (size_t i = 0; i < json_array_size(groups) && i < SPEC_GROUPS; i++) {
        const char *name = json_string_value(json_array_get(groups, i));
        if (!name || !name[0] || strlen(name) >= sizeof s->groups[0] ||
            !has_only(name, group_chars))
            fault(r, "/groups", "must hold names of 1 to 128 letters, digits, ':', '_' and '-'");
        else
            snprintf(s->groups[s->group_count++], sizeof s->groups[0], "%s", name);
    }
}

static void read_document(const struct reader *r, const json_t *document)
{
    size_t n = json_dumpb(document, r->out->policy_document, SPEC_DOCUMENT - 1, JSON_COMPACT);
    if (n > POLICY_BYTES) fault(r, "/policy/document", "is longer than 2048 bytes");
    r->out->policy_document[n <= POLICY_BYTES ? n : 0] = '\0';
}

static void read_policy(const struct reader *r, const json_t *value)
{
    struct register_spec *s = r->out;
    char at[sizeof((struct field_error *)0)->pointer];
    size_t n = json_string_length(value);
    if (json_is_object(value)) {
        json_t *document = NULL;
        const struct json_field rows[] = {
            JSON_STR("name", s->policy, JSON_OPTIONAL, 1, sizeof s->policy - 1),
            JSON_OBJECT_AT("document", &document, JSON_OPTIONAL),
            JSON_FIELDS_END,
        };
        snprintf(at, sizeof at, "%s/policy", r->at);
        json_in(value, at, rows, r->errors);
        judge(r, "/policy/name", s->policy, plain_chars,
              "may hold only letters, digits, '_' and '-'");
        if (document) read_document(r, document);
    } else if (!json_is_string(value) || n < 1 || n >= sizeof s->policy ||
               !has_only(json_string_value(value), policy_chars)) {
        fault(r, "/policy", "must be the name of a policy, or {\"name\",\"document\"}");
    } else {
        snprintf(s->policy, sizeof s->policy, "%s", json_string_value(value));
        s->policy_is_there = true;
    }
}

static void read_claim(const struct reader *r, const json_t *claim)
{
    struct register_spec *s = r->out;
    char at[sizeof((struct field_error *)0)->pointer];
    json_t *parameters = NULL;
    const struct json_field rows[] = {
        JSON_STR("template", s->claim_template, JSON_REQUIRED, 1, sizeof s->claim_template - 1),
        JSON_STR("credential", s->claim_credential, JSON_OPTIONAL, 1,
                 sizeof s->claim_credential - 1),
        JSON_OBJECT_AT("parameters", &parameters, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    snprintf(at, sizeof at, "%s/claim", r->at);
    json_in(claim, at, rows, r->errors);
    judge(r, "/claim/template", s->claim_template, plain_chars,
          "may hold only letters, digits, '_' and '-'");
    judge_id(r, "/claim/credential", s->claim_credential);
    read_pairs(r, "/claim/parameters", parameters, s->parameters, &s->parameter_count);
}

/* What goes together. A member that would be without effect is a fault: who wrote it believes that
 * it has one. */
static void judge_whole(const struct reader *r, const json_t *object)
{
    static const char *const of_template[] = {"type", "attributes", "groups", "policy", "existing"};
    const struct register_spec *s = r->out;
    bool claim = s->way == WAY_CLAIM, own = s->way == WAY_OWN;
    for (size_t i = 0; claim && i < sizeof of_template / sizeof *of_template; i++) {
        char member[24];
        snprintf(member, sizeof member, "/%s", of_template[i]);
        if (json_object_get(object, of_template[i]))
            fault(r, member, "is the template's affair with \"certificate\":\"claim\"");
    }
    if (claim && !json_object_get(object, "claim"))
        fault(r, "/claim", "is required with \"certificate\":\"claim\"");
    if (!claim && json_object_get(object, "claim"))
        fault(r, "/claim", "goes with \"certificate\":\"claim\" only");
    if (!own && s->authority[0]) fault(r, "/authority", "goes with \"certificate\":\"own\" only");
    if ((own || s->way == WAY_CLOUD) && json_object_get(object, "key") && !s->authority[0])
        fault(r, "/key", "cannot be chosen: it is not made here");
    if (s->attribute_count > ATTRIBUTES_WITHOUT_TYPE && !s->type[0])
        fault(r, "/attributes", "has more than 3 members, which AWS takes only with a \"type\"");
}

static void read_object(const struct reader *r, const json_t *object)
{
    struct register_spec *s = r->out;
    int way = WAY_CSR, key = KEY_RSA_2048;
    json_t *attributes = NULL, *groups = NULL, *claim = NULL, *policy = NULL;
    const struct json_field rows[] = {
        JSON_STR("name", s->cloud, JSON_REQUIRED, 1, sizeof s->cloud - 1),
        JSON_STR("thing", s->thing, JSON_OPTIONAL, 1, sizeof s->thing - 1),
        JSON_STR("type", s->type, JSON_OPTIONAL, 1, sizeof s->type - 1),
        JSON_OBJECT_AT("attributes", &attributes, JSON_OPTIONAL),
        JSON_ARRAY_AT("groups", &groups, JSON_OPTIONAL, 0, SPEC_GROUPS),
        JSON_CHOICE("certificate", &way, JSON_OPTIONAL, registration_way_names),
        JSON_CHOICE("key", &key, JSON_OPTIONAL, key_kind_names),
        JSON_STR("authority", s->authority, JSON_OPTIONAL, 1, sizeof s->authority - 1),
        JSON_ANY("policy", &policy, JSON_OPTIONAL), /* a name or an object */
        JSON_OBJECT_AT("claim", &claim, JSON_OPTIONAL),
        JSON_BOOL("existing", &s->existing, JSON_OPTIONAL),
        r->stored ? (struct json_field)JSON_STR("credential", s->credential, JSON_OPTIONAL, 1,
                                                sizeof s->credential - 1)
                  : (struct json_field)JSON_FIELDS_END,
        JSON_FIELDS_END,
    };
    json_in(object, r->at, rows, r->errors);
    s->way = (enum registration_way)way;
    s->key = (enum key_kind)key;
    judge_thing(r, s->thing);
    judge(r, "/type", s->type, group_chars, "may hold only letters, digits, ':', '_' and '-'");
    read_pairs(r, "/attributes", attributes, s->attributes, &s->attribute_count);
    read_groups(r, groups);
    judge_id(r, "/authority", s->authority);
    if (policy) read_policy(r, policy);
    if (claim) read_claim(r, claim);
    judge_whole(r, object);
}

static void read_value(const struct reader *r, const json_t *value)
{
    struct register_spec *s = r->out;
    memset(s, 0, sizeof *s);
    snprintf(s->thing, sizeof s->thing, "esp32-{mac}");
    if (json_is_object(value))
        read_object(r, value);
    else if (json_is_string(value) && json_string_length(value) < sizeof s->cloud)
        snprintf(s->cloud, sizeof s->cloud, "%s", json_string_value(value));
    else
        fault(r, "", "must be the name of a cloud, or an object");
    if ((s->cloud[0] || json_is_string(value)) && !id_is_name(s->cloud, sizeof s->cloud - 1))
        fault(r, json_is_object(value) ? "/name" : "", "is not the name of a cloud");
}

void spec_read(const json_t *value, const char *pointer, struct register_spec *out,
               struct field_errors *errors)
{
    read_value(&(struct reader){.at = pointer, .errors = errors, .out = out}, value);
}

/* --- filling in --- */

/* In its own place. @param cap  of the text */
static enum err fill(char *text, size_t cap, const struct template_word *words, size_t n)
{
    char whole[sizeof((struct register_spec *)0)->thing];
    enum err e = template_fill(text, words, n, whole, cap);
    if (!e) snprintf(text, cap, "%s", whole);
    return e;
}

static enum err fill_thing(struct register_spec *s, const struct template_word *words)
{
    _Static_assert(sizeof s->thing == sizeof s->attributes[0].value, "fill() has one size");
    enum err e = fill(s->thing, sizeof s->thing, words, WORDS_OF_THING);
    if (err_is(e, "template_word"))
        return err_hint(e, "Nobody asks a board here: say the thing's name in \"thing\".");
    if (!e && s->thing[0] && strlen(s->thing) <= THING_MAX && has_only(s->thing, plain_chars))
        return ERR_OK;
    return err_fail(ERR_ARG, "bad_thing_name",
                    "A thing's name has 1 to 128 letters, digits, '_' and '-'. The name of the "
                    "slot may have more than that.",
                    "\"%.140s\" is no name of 1 to 128 bytes for a thing", s->thing);
}

static enum err fill_pairs(struct spec_pair *pairs, size_t n, const struct template_word *words,
                           const char *chars)
{
    for (size_t i = 0; i < n; i++) {
        enum err e = fill(pairs[i].value, sizeof pairs[i].value, words, WORDS_OF_THING + 1);
        if (e) return err_wrap(e, "%s", pairs[i].name);
        if (chars && !has_only(pairs[i].value, chars))
            return err_fail(ERR_ARG, "bad_attribute",
                            "AWS takes letters, digits and _.,@/:#- in attributes, and no spaces.",
                            "the attribute %s would have other bytes: \"%.200s\"", pairs[i].name,
                            pairs[i].value);
    }
    return ERR_OK;
}

enum err spec_fill(struct register_spec *s, const char *mac, const char *slot)
{
    const struct template_word words[] = {{"{mac}", mac}, {"{slot}", slot}, {"{thing}", s->thing}};
    enum err e = fill_thing(s, words);
    if (!e) e = fill_pairs(s->attributes, s->attribute_count, words, attribute_chars);
    if (!e) e = fill_pairs(s->parameters, s->parameter_count, words, NULL);
    return e;
}

/* --- stored --- */

static void set_text(json_t *o, const char *name, const char *text)
{
    if (text[0]) json_object_set_new(o, name, json_string(text));
}

static void set_pairs(json_t *o, const char *name, const struct spec_pair *pairs, size_t n)
{
    json_t *object = n > 0 ? json_object() : NULL;
    for (size_t i = 0; i < n; i++)
        json_object_set_new(object, pairs[i].name, json_string(pairs[i].value));
    if (object) json_object_set_new(o, name, object);
}

static void set_policy(json_t *o, const struct register_spec *s)
{
    if (s->policy_is_there) {
        set_text(o, "policy", s->policy);
    } else if (s->policy[0] || s->policy_document[0]) {
        json_t *policy = json_object();
        set_text(policy, "name", s->policy);
        if (s->policy_document[0])
            json_object_set_new(policy, "document", json_loads(s->policy_document, 0, NULL));
        json_object_set_new(o, "policy", policy);
    }
}

static void set_claim(json_t *o, const struct register_spec *s)
{
    json_t *claim = json_object();
    set_text(claim, "template", s->claim_template);
    set_text(claim, "credential", s->claim_credential);
    set_pairs(claim, "parameters", s->parameters, s->parameter_count);
    json_object_set_new(o, "claim", claim);
}

json_t *spec_to_json(const struct register_spec *s)
{
    json_t *o = json_pack("{s:s, s:s, s:s}", "name", s->cloud, "thing", s->thing, "certificate",
                          registration_way_names[s->way]);
    set_text(o, "type", s->type);
    set_pairs(o, "attributes", s->attributes, s->attribute_count);
    json_t *groups = s->group_count > 0 ? json_array() : NULL;
    for (size_t i = 0; i < s->group_count; i++)
        json_array_append_new(groups, json_string(s->groups[i]));
    if (groups) json_object_set_new(o, "groups", groups);
    if (s->way == WAY_CSR || s->way == WAY_CLAIM || s->authority[0])
        set_text(o, "key", key_kind_names[s->key]);
    set_text(o, "authority", s->authority);
    set_text(o, "credential", s->credential);
    set_policy(o, s);
    if (s->way == WAY_CLAIM) set_claim(o, s);
    if (s->existing) json_object_set_new(o, "existing", json_true());
    return o;
}

enum err spec_from_json(const json_t *stored, struct register_spec *out)
{
    struct field_errors errors = {.count = 0};
    struct reader r = {.at = "", .errors = &errors, .out = out, .stored = true};
    read_value(&r, stored);
    if (errors.count == 0) return ERR_OK;
    return err_fail(ERR_IO, "store_corrupt", NULL, "what was asked for of a registration: %s %s",
                    errors.items[0].pointer, errors.items[0].detail);
}
