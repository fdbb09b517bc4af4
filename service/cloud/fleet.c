/* A question goes to a topic of AWS's own, and its answer comes on that topic's /accepted or
 * /rejected, to the client that asked alone. Both are subscribed before the question is asked.
 *
 * What is refused by a policy is not answered: the connection goes. Before the question is out,
 * that is the claim's fault and nothing has happened. Behind it, nobody can tell, until an answer
 * came. For a certificate that does no harm, for AWS deletes those that nobody claims. */
#include "service/cloud/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "service/base/digest.h"
#include "service/base/wipe.h"
#include "service/cloud/mqtt_session.h"

enum {
    ANSWER_MAX = 64 * 1024, /* a certificate, a token, and what a template configures */
    ANSWER_MS = 15000,      /* a template may ask a function of its owner's first: 5 s */
    PAUSE_MS = 500, /* the first, at most, before a question that was one too many is asked again */
    ASKED_MAX = 6,
    TOPIC_MAX = 128,
    TEMPLATE_MAX = 36,
    THING_MAX = 128,
};

struct fleet {
    struct mqtt_session session;
    char host[256];
    char topic[TOPIC_MAX]; /* of the question */
    struct buf answer;
    bool answered, rejected;
};

static bool is_below(const char *topic, const char *above, const char *name)
{
    size_t n = strlen(above);
    return strncmp(topic, above, n) == 0 && strcmp(topic + n, name) == 0;
}

/* It may hold the token, so the library's memory is cleared, too: it would be given back as it is.
 */
static void on_message(void *arg, const char *topic, void *payload, size_t n)
{
    struct fleet *f = arg;
    bool rejected = is_below(topic, f->topic, "/rejected");
    if (!f->answered && (rejected || is_below(topic, f->topic, "/accepted"))) {
        f->answered = true;
        f->rejected = rejected;
        (void)buf_append(&f->answer, payload, n); /* buf_ok() tells */
    }
    if (n > 0) explicit_bzero(payload, n);
}

/* ---- errors ---- */

/* Is the error of this thread the broker's no to this certificate, or to what it may do? */
static bool was_refused(const struct fleet *f)
{
    const char *code = err_last()->code;
    if (strcmp(code, "mqtt_tls_failed") == 0) return f->session.tls.certificate_sent;
    return strncmp(code, "mqtt_dropped_", strlen("mqtt_dropped_")) == 0 ||
           strncmp(code, "mqtt_connack_", strlen("mqtt_connack_")) == 0 ||
           strcmp(code, "mqtt_subscribe_refused") == 0 ||
           strcmp(code, "mqtt_tls_client_refused") == 0;
}

/* @p e is the session's, and nothing has been asked for. */
static enum err explain_before(const struct fleet *f, enum err e)
{
    if (e != ERR_NETWORK || !was_refused(f)) return e;
    struct err_info why = *err_last();
    return err_fail(ERR_CLOUD, "claim_refused",
                    "The claim certificate has to be ACTIVE (one for five minutes may be over), "
                    "and its policy to allow iot:Connect, and iot:Publish, iot:Receive and "
                    "iot:Subscribe for $aws/certificates/* and "
                    "$aws/provisioning-templates/<template>/provision/*.",
                    "the claim certificate is refused: %s", why.detail);
}

/* @p e came behind the question. @param harmless  what it asked for vanishes by itself */
static enum err explain_behind(const struct fleet *f, enum err e, bool harmless)
{
    if (e != ERR_NETWORK && e != ERR_TIMEOUT) return e;
    bool refused = was_refused(f), dropped = refused && !f->session.published;
    if (dropped && harmless) return explain_before(f, e);
    return err_fail(ERR_TIMEOUT, "aws_outcome_unknown",
                    dropped ? "AWS IoT does this when the claim's policy does not allow "
                              "iot:Publish for this topic; then nothing has happened."
                            : "It may have been done all the same: look for it before it is done "
                              "again. No answer comes, either, where the claim's policy does not "
                              "allow iot:Receive for it.",
                    refused ? "the connection ended before there was an answer to %s"
                            : "there was no answer to %s in time",
                    f->topic);
}

static enum err bad_answer(const struct fleet *f, const char *what)
{
    return err_fail(ERR_PROTOCOL, "aws_bad_answer",
                    "Is the host an endpoint of AWS IoT? The answer is not one of its fleet "
                    "provisioning.",
                    "the answer to %s %s", f->topic, what);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Many boards at once are more than the account's rates allow. */
static bool is_throttled(const json_t *answer)
{
    enum { TOO_MANY_REQUESTS = 429 };
    const char *name = text_of(answer, "errorCode");
    return json_integer_value(json_object_get(answer, "statusCode")) == TOO_MANY_REQUESTS ||
           strncmp(name, "Throttl", strlen("Throttl")) == 0;
}

static enum err say_rejected(const struct fleet *f, const json_t *answer)
{
    char said[512];
    const char *name = text_of(answer, "errorCode");
    const char *hint = "What AWS said tells why: the template, its parameters, or the request.";
    if (strcmp(name, "AccessDenied") == 0 || strcmp(name, "Unauthorized") == 0)
        hint = "The template's role, and what a function before provisioning decides, have to "
               "allow it.";
    bool throttled = is_throttled(answer);
    if (throttled) hint = "Register fewer boards at once, or have the account's rates raised.";
    int n = snprintf(said, sizeof said, "%s: %s", name, text_of(answer, "errorMessage"));
    enum err e =
        err_fail(throttled ? ERR_BUSY : ERR_CLOUD, throttled ? "aws_throttled" : "claim_rejected",
                 hint, "AWS rejected %s with status %" JSON_INTEGER_FORMAT, f->topic,
                 json_integer_value(json_object_get(answer, "statusCode")));
    return err_device(e, said, (size_t)n < sizeof said ? (size_t)n : sizeof said - 1);
}

/* ---- question and answer ---- */

static enum err subscribe_answers(struct fleet *f)
{
    static const char *const kinds[] = {"/accepted", "/rejected"};
    for (size_t i = 0; i < 2; i++) {
        char filter[TOPIC_MAX + 16];
        snprintf(filter, sizeof filter, "%s%s", f->topic, kinds[i]);
        enum err e = mqtt_session_subscribe(&f->session, filter);
        if (e) return explain_before(f, e);
    }
    return ERR_OK;
}

static enum err read_answer(struct fleet *f, json_t **out)
{
    if (buf_ok(&f->answer) == ERR_TOO_LARGE) return bad_answer(f, "is longer than 64 KiB");
    if (buf_ok(&f->answer)) return err_set(ERR_MEM, "out of memory");
    json_t *answer = json_loadb(buf_str(&f->answer), f->answer.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return bad_answer(f, "is no JSON object");
    }
    if (!f->rejected) {
        *out = answer;
        return ERR_OK;
    }
    enum err e = say_rejected(f, answer);
    json_decref(answer);
    return e;
}

static enum err ask_once(struct fleet *f, const char *text, bool harmless, json_t **out)
{
    f->answered = f->rejected = false;
    buf_init_secret(&f->answer, ANSWER_MAX);
    enum err e = mqtt_session_publish(&f->session, text);
    if (!e || f->answered) e = mqtt_session_wait(&f->session, &f->answered, ANSWER_MS);
    e = e ? explain_behind(f, e, harmless) : read_answer(f, out);
    buf_dispose(&f->answer);
    return e;
}

/* Full jitter: those that were refused together do not come together again.
 * @return ERR_OK: ask again; else the error of this thread, kept, or ERR_CANCELLED */
static enum err pause_before(struct fleet *f, int asked)
{
    struct err_info why = *err_last();
    uint32_t random;
    if (asked >= ASKED_MAX || getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_restore(&why);
    struct deadline pause = deadline_in_ms(random % ((int64_t)PAUSE_MS << asked));
    if (pause.at_ns >= f->session.until.at_ns) return err_restore(&why);
    return cancel_wait(f->session.cancel, pause);
}

/* @p question is stolen; NULL counts as out of memory. Its topic is f->topic. */
static enum err ask(struct fleet *f, json_t *question, bool harmless, struct deadline until,
                    json_t **out)
{
    char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
    json_decref(question);
    if (!text) return err_set(ERR_MEM, "out of memory");
    f->session.until = until;
    enum err e = subscribe_answers(f);
    for (int asked = 0; !e; asked++) {
        e = ask_once(f, text, harmless, out);
        if (!err_is(e, "aws_throttled")) break;
        e = pause_before(f, asked);
    }
    wipe_free(text);
    return e;
}

/* ---- the steps ---- */

enum err fleet_open(const struct fleet_access *access, struct cancel *cancel, struct deadline until,
                    struct fleet **out)
{
    *out = NULL;
    struct fleet *f = calloc(1, sizeof *f);
    if (!f) return err_set(ERR_MEM, "out of memory");
    snprintf(f->host, sizeof f->host, "%s", access->host);
    f->session = (struct mqtt_session){
        .args = {.host = f->host,
                 .port = access->port,
                 .certificate_pem = access->certificate_pem,
                 .key_pem = access->key_pem,
                 .root_ca_pem = access->root_ca_pem,
                 .client_id = access->client_id,
                 .topic = f->topic,
                 .qos = 1,
                 .alpn = access->alpn,
                 .tls = true,
                 .client_certificate = true,
                 .verify_server = true,
                 .until_stage = MQTT_STAGE_CONNECT},
        .cancel = cancel,
        .until = until,
        .on_message = on_message,
        .arg = f,
    };
    enum err e = mqtt_session_open(&f->session);
    if (!e) e = mqtt_session_connect(&f->session, MQTT_STAGE_CONNECT);
    if (e) {
        e = explain_before(f, e);
        fleet_close(f);
        return e;
    }
    *out = f;
    return ERR_OK;
}

void fleet_close(struct fleet *f)
{
    if (!f) return;
    mqtt_session_close(&f->session);
    free(f);
}

static enum err take_certificate(const struct fleet *f, const json_t *answer,
                                 struct iot_certificate *out, struct buf *token_out)
{
    const char *id = text_of(answer, "certificateId"), *pem = text_of(answer, "certificatePem");
    const char *token = text_of(answer, "certificateOwnershipToken");
    if (!digest_is_sha256(id) || !*pem || !*token)
        return bad_answer(f, "lacks the certificate, its id, or the token");
    enum err e = buf_puts(token_out, token);
    if (e) return e;
    out->pem = strdup(pem);
    if (!out->pem) return err_set(ERR_MEM, "out of memory");
    snprintf(out->id, sizeof out->id, "%s", id);
    return ERR_OK;
}

enum err fleet_create_certificate(struct fleet *f, const char *csr_pem, struct deadline until,
                                  struct iot_certificate *out, struct buf *token_out)
{
    *out = (struct iot_certificate){0};
    json_t *answer = NULL;
    snprintf(f->topic, sizeof f->topic, "$aws/certificates/create-from-csr/json");
    enum err e =
        ask(f, json_pack("{s:s}", "certificateSigningRequest", csr_pem), true, until, &answer);
    if (!e) e = take_certificate(f, answer, out, token_out);
    json_decref(answer);
    return e;
}

static enum err take_thing(const struct fleet *f, const json_t *answer, char *thing_out,
                           json_t **configuration_out)
{
    const char *thing = text_of(answer, "thingName");
    if (strlen(thing) > THING_MAX) return bad_answer(f, "has a thing's name of over 128 bytes");
    snprintf(thing_out, THING_MAX + 1, "%s", thing);
    if (configuration_out)
        *configuration_out = json_incref(json_object_get(answer, "deviceConfiguration"));
    return ERR_OK;
}

enum err fleet_register(struct fleet *f, const char *template_name, const char *token,
                        json_t *parameters, struct deadline until, char thing_out[129],
                        json_t **configuration_out)
{
    static const char letters[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
    thing_out[0] = '\0';
    if (configuration_out) *configuration_out = NULL;
    size_t n = strlen(template_name);
    if (n < 1 || n > TEMPLATE_MAX || template_name[strspn(template_name, letters)])
        return err_set(ERR_ARG, "a template's name has 1 to 36 letters, digits, _ and -");
    snprintf(f->topic, sizeof f->topic, "$aws/provisioning-templates/%s/provision/json",
             template_name);
    json_t *answer = NULL;
    enum err e = ask(
        f, json_pack("{s:s, s:O*}", "certificateOwnershipToken", token, "parameters", parameters),
        false, until, &answer);
    if (!e) e = take_thing(f, answer, thing_out, configuration_out);
    json_decref(answer);
    return e;
}
