/* What is not known is left out. */
#include "service/jobs/evidence_json.h"

#include "service/jobs/board_log.h"

static void put_text(json_t *o, const char *key, const char *text)
{
    if (text[0]) json_object_set_new(o, key, json_string(text));
}

/* An object with nothing in it says nothing. */
static void put_part(json_t *o, const char *key, json_t *part)
{
    if (json_object_size(part))
        json_object_set_new(o, key, part);
    else
        json_decref(part);
}

static json_t *board(const struct check_evidence *e, const char *said)
{
    json_t *o = json_object();
    put_text(o, "code", e->board_code);
    put_text(o, "said", said);
    if (e->urc_ms >= 0) json_object_set_new(o, "urc_ms", json_integer(e->urc_ms));
    if (e->dropped) json_object_set_new(o, "dropped", json_true());
    if (e->hangs) json_object_set_new(o, "hangs", json_true());
    if (e->wifi_lost) json_object_set_new(o, "wifi_lost", json_true());
    if (e->hold != HOLD_NOT_TRIED)
        put_text(o, "idle_connection", e->hold == HOLD_STAYED ? "stayed" : "dropped");
    return o;
}

static void put_probe(json_t *o, const char *key, enum probe p)
{
    static const char *const names[] = {
        [PROBE_NOT_MADE] = "",
        [PROBE_OK] = "ok",
        [PROBE_REFUSED] = "refused",
        [PROBE_SILENT] = "silent",
    };
    put_text(o, key, names[p]);
}

static json_t *network(const struct check_evidence *e)
{
    json_t *o = json_object();
    put_probe(o, "dns", e->net.dns);
    put_text(o, "address", e->net.address);
    put_probe(o, "tcp", e->net.tcp);
    put_probe(o, "time_server_dns", e->net.time_dns);
    return o;
}

static json_t *clock_of(const struct check_evidence *e)
{
    json_t *o = json_object();
    if (!e->clock.known) return o;
    json_object_set_new(o, "set", json_boolean(e->clock.set));
    if (e->clock.set)
        json_object_set_new(o, "ahead_of_host_s", json_integer((json_int_t)e->clock.ahead_s));
    return o;
}

static json_t *stored(const struct check_evidence *e)
{
    static const char *const states[] = {
        [STORED_NOT_READ] = "",       [STORED_SAME] = "same",       [STORED_READABLE] = "readable",
        [STORED_DIFFERS] = "differs", [STORED_DAMAGED] = "damaged", [STORED_MISSING] = "missing",
    };
    json_t *o = json_object();
    put_text(o, "certificate", states[e->stored.part[CREDENTIAL_CERTIFICATE]]);
    put_text(o, "private_key", states[e->stored.part[CREDENTIAL_KEY]]);
    put_text(o, "root_ca", states[e->stored.part[CREDENTIAL_ROOT_CA]]);
    put_text(o, "elsewhere", e->stored.elsewhere);
    if (e->stored.key_mismatch) json_object_set_new(o, "key_mismatch", json_true());
    return o;
}

static json_t *host(const struct check_evidence *e)
{
    json_t *o = json_object();
    if (!e->check_by_host.ran) return o;
    json_object_set_new(o, "ok", json_boolean(!e->check_by_host.code[0]));
    put_text(o, "code", e->check_by_host.code);
    put_text(o, "detail", e->check_by_host.detail);
    put_text(o, "credential", e->credential.from_board ? "of the board" : "of the job");
    if (e->check_by_host.name_differs) json_object_set_new(o, "name_differs", json_true());
    if (e->check_by_host.wants_alpn) json_object_set_new(o, "wants_alpn", json_true());
    return o;
}

static json_t *evidence(const struct check_evidence *e, const char *said, const char *log)
{
    json_t *o = json_object(), *lines = board_log_lines(log);
    put_part(o, "board", board(e, said));
    put_part(o, "network", network(e));
    put_part(o, "clock", clock_of(e));
    put_part(o, "stored", stored(e));
    put_part(o, "host", host(e));
    put_part(o, "cloud", diagnosis_to_json(&e->cloud));
    if (json_array_size(lines)) json_object_set(o, "log", lines);
    json_decref(lines);
    return o;
}

static json_t *finding(const struct finding *f)
{
    return json_pack("{s:s,s:s,s:s,s:s}", "side", verdict_side_name(verdict_side(f->code)), "code",
                     verdict_code_name(f->code), "detail", f->detail, "fix", f->fix);
}

json_t *verdict_to_json(const struct verdict *v, const struct check_evidence *e, const char *said,
                        const char *log)
{
    json_t *o = finding(&v->main), *warnings = json_array();
    json_object_set_new(o, "step", json_string(check_stage_name(v->stage)));
    json_object_set_new(o, "evidence", evidence(e, said, log));
    for (size_t i = 0; i < v->warning_count; i++)
        json_array_append_new(warnings, finding(&v->warnings[i]));
    json_object_set_new(o, "warnings", warnings);
    return o;
}
