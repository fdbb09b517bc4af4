/* undo: in reverse. Of each part that was made, or may have been, it is asked once to go; what is
 * gone already is as good. AWS detaches with a delay, so that the certificate, the thing and the
 * policy may have to be asked again for a while. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/register/work.h"

enum {
    PAUSE_MS = 500,
    PAUSE_MAX_MS = 8000,
    DETACH_MS = 60 * 1000,     /* so long AWS may take to detach */
    POLICY_MS = 5 * 60 * 1000, /* and so long until a policy may go */
    AWAY_MS = 30 * 1000,       /* so long the cloud is asked again at once when it is not reached */
    LOOK_AGAIN_MS = 2000,
};

static bool was_made(enum fate f)
{
    return f == FATE_INTENT || f == FATE_MADE;
}

/* It is gone: onto the disk, so that what is left is always told rightly. */
static enum err gone(struct work *w, enum fate *fate)
{
    *fate = FATE_NONE;
    return work_save(w);
}

static enum err undo_groups(struct work *w)
{
    enum err e = ERR_OK;
    const struct aws_use use = work_call(w);
    const bool adopted = w->p.thing == FATE_FOUND; /* it may have been in them before */
    for (size_t i = w->spec.group_count; !e && !adopted && i-- > 0;) {
        if (!was_made(w->p.groups[i])) continue;
        e = iot_remove_thing_from_group(&use, w->record->thing, w->spec.groups[i]);
        if (!e) e = gone(w, &w->p.groups[i]);
    }
    return e;
}

/* A template chose what a claimed certificate is attached to; all of it is let go of. */
static enum err detach_all_things(struct work *w)
{
    json_t *names = NULL;
    const struct aws_use use = work_call(w);
    enum err e = iot_list_principal_things(&use, w->p.certificate_arn, &names);
    for (size_t i = 0; !e && i < json_array_size(names); i++)
        e = iot_detach_thing_principal(&use, json_string_value(json_array_get(names, i)),
                                       w->p.certificate_arn);
    json_decref(names);
    return e;
}

static enum err detach_all_policies(struct work *w)
{
    json_t *names = NULL;
    const struct aws_use use = work_call(w);
    enum err e = iot_list_attached_policies(&use, w->p.certificate_arn, &names);
    for (size_t i = 0; !e && i < json_array_size(names); i++)
        e = iot_detach_policy(&use, json_string_value(json_array_get(names, i)),
                              w->p.certificate_arn);
    json_decref(names);
    return e;
}

static enum err detach_thing(struct work *w)
{
    const char *arn;
    const struct aws_use use = work_call(w);
    if (!was_made(w->p.thing_attached)) return ERR_OK;
    enum err e = work_arn(w, &arn);
    if (!e)
        e = w->spec.way == WAY_CLAIM ? detach_all_things(w)
                                     : iot_detach_thing_principal(&use, w->record->thing, arn);
    if (err_is(e, "aws_not_found")) e = ERR_OK;
    return e ? e : gone(w, &w->p.thing_attached);
}

static enum err detach_policy(struct work *w)
{
    const char *arn;
    const struct aws_use use = work_call(w);
    if (!was_made(w->p.policy_attached)) return ERR_OK;
    enum err e = work_arn(w, &arn);
    if (!e)
        e = w->spec.way == WAY_CLAIM ? detach_all_policies(w)
                                     : iot_detach_policy(&use, w->record->policy, arn);
    if (err_is(e, "aws_not_found")) e = ERR_OK;
    return e ? e : gone(w, &w->p.policy_attached);
}

static enum err deactivate(struct work *w)
{
    const struct aws_use use = work_call(w);
    if (!was_made(w->p.activated)) return ERR_OK;
    enum err e = iot_update_certificate(&use, w->record->certificate, "INACTIVE");
    if (err_is(e, "aws_not_found")) e = ERR_OK;
    return e ? e : gone(w, &w->p.activated);
}

/* Asked for, and no answer. The request may even now be worked at. */
static enum err delete_unknown(struct work *w)
{
    size_t n;
    enum err e = find_and_delete(w, &n);
    if (e || n || w->p.certificate != FATE_INTENT || find_has_settled(w)) return e;
    e = cancel_wait(w->use->cancel, deadline_within_ms(w->use->until, LOOK_AGAIN_MS));
    return e ? e : find_and_delete(w, NULL);
}

/* Certificates of which nobody here has the id. */
static enum err delete_others(struct work *w)
{
    bool unknown = w->p.certificate == FATE_INTENT && !w->record->certificate[0];
    if (!unknown && !w->p.again && !w->p.candidate_count) return ERR_OK;
    enum err e = work_know_key(w);
    if (!e) e = w->p.key_sha256[0] ? delete_unknown(w) : find_candidates(w);
    if (e) return e;
    w->p.again = false;
    return unknown ? gone(w, &w->p.certificate) : ERR_OK;
}

static enum err delete_certificate(struct work *w)
{
    const struct aws_use use = work_call(w);
    if (!was_made(w->p.certificate) || !w->record->certificate[0]) return ERR_OK;
    enum err e = iot_delete_certificate(&use, w->record->certificate);
    return e ? e : gone(w, &w->p.certificate);
}

/* @param[out] free_out  only we are, or were, attached */
static enum err ask_targets(struct work *w, bool *free_out)
{
    json_t *targets = NULL;
    const struct aws_use use = work_call(w);
    enum err e = iot_list_policy_targets(&use, w->record->policy, &targets);
    *free_out = true;
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const char *target = json_string_value(json_array_get(targets, i));
        if (!target || strcmp(target, w->p.certificate_arn) != 0) *free_out = false;
    }
    json_decref(targets);
    return e;
}

/* In use elsewhere, or only not let go of yet? */
static enum err judge_conflict(struct work *w)
{
    struct err_info conflict = *err_last();
    bool is_free;
    enum err e = ask_targets(w, &is_free);
    if (err_is(e, "aws_not_found")) return ERR_OK;
    if (e) return e;
    return is_free ? err_restore(&conflict) : ERR_OK;
}

static enum err delete_policy(struct work *w)
{
    struct registration_policy known;
    const struct aws_use use = work_call(w);
    if (w->p.policy == FATE_NONE || w->spec.policy_is_there) return ERR_OK;
    enum err e = store_registration_policy(w->use->store, w->record, &known);
    if (e) return e;
    if (!known.made || known.shared) return gone(w, &w->p.policy);
    w->record->policy_made = true; /* whoever of us made it: the last one takes it away */
    w->p.policy = FATE_MADE;
    e = iot_delete_policy(&use, w->record->policy);
    if (!e) e = store_registration_policy_gone(w->use->store, w->record->cloud, w->record->policy);
    if (!e) w->record->policy_made = false;
    if (err_is(e, "aws_conflict")) e = judge_conflict(w);
    return e ? e : gone(w, &w->p.policy);
}

/* An intent may have met a thing of somebody else's. */
static enum err is_our_thing(struct work *w, bool *out)
{
    struct iot_thing t = {.arn = ""};
    json_t *principals = NULL;
    const struct aws_use use = work_call(w);
    *out = true;
    if (w->p.thing != FATE_INTENT) return ERR_OK;
    enum err e = iot_describe_thing(&use, w->record->thing, &t);
    if (!e) e = iot_list_thing_principals(&use, w->record->thing, &principals);
    *out = !e && thing_fits(&w->spec, &t) && json_array_size(principals) == 0;
    json_decref(t.attributes);
    json_decref(principals);
    return err_is(e, "aws_not_found") ? ERR_OK : e;
}

static enum err delete_thing(struct work *w)
{
    bool ours;
    const struct aws_use use = work_call(w);
    if (!was_made(w->p.thing)) return ERR_OK;
    enum err e = is_our_thing(w, &ours);
    if (!e && ours) e = iot_delete_thing(&use, w->record->thing);
    return e ? e : gone(w, &w->p.thing);
}

/* A job that names it still shows it; what counts is that its key is gone. */
static enum err delete_credential(struct work *w)
{
    if (!was_made(w->p.credential)) return ERR_OK;
    enum err e = store_credential_delete(w->use->store, w->record->credential);
    if (err_is(e, "credential_in_use"))
        e = store_credential_purge_key(w->use->store, w->record->credential);
    if (e && e != ERR_NOT_FOUND) return e;
    return gone(w, &w->p.credential);
}

/* --- a pass over all of it --- */

static bool touches_cloud(const struct work *w)
{
    const struct progress *p = &w->p;
    const enum fate all[] = {p->thing,     p->certificate,     p->policy,
                             p->activated, p->policy_attached, p->thing_attached};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (was_made(all[i])) return true;
    for (size_t i = 0; i < SPEC_GROUPS; i++)
        if (was_made(p->groups[i])) return true;
    return p->again || p->candidate_count > 0 || p->policy == FATE_FOUND;
}

/* Is it worth another try? */
static bool may_pass(const struct err_info *why)
{
    static const char *const codes[] = {"aws_unreachable", "aws_timeout",    "aws_outcome_unknown",
                                        "aws_throttled",   "aws_bad_answer", "aws_unavailable",
                                        "aws_failed",      "aws_conflict",   "aws_state"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(why->code, codes[i]) == 0) return true;
    return why->kind == ERR_MEM || why->kind == ERR_IO || why->kind == ERR_CANCELLED;
}

/* As long as one of them may pass there is something to wait for, whatever the others are. */
static void note(enum err e, struct err_info *kept)
{
    if (e && (kept->kind == ERR_OK || (!may_pass(kept) && may_pass(err_last()))))
        *kept = *err_last();
}

/* As far as it goes: what does not depend on a part that stays is not held up by it. */
static enum err pass(struct work *w)
{
    struct err_info kept = {.kind = ERR_OK};
    enum err thing, policy, active, e;
    note(undo_groups(w), &kept);
    note(thing = detach_thing(w), &kept);
    note(policy = detach_policy(w), &kept);
    note(active = deactivate(w), &kept);
    note(delete_others(w), &kept);
    if (!thing && !policy && !active) note(delete_certificate(w), &kept);
    if (!policy) note(delete_policy(w), &kept);
    if (!thing) note(delete_thing(w), &kept);
    e = kept.kind;
    return e ? err_restore(&kept) : ERR_OK;
}

static bool is_held(enum err e)
{
    return err_is(e, "aws_conflict") || err_is(e, "aws_state");
}

/* Waits for AWS to let go are bounded; for it to be reached they are not. */
static bool is_over(const struct work *w, enum err e, int64_t waited_ms)
{
    if (!is_held(e)) return false;
    bool only_policy = !was_made(w->p.certificate) && !was_made(w->p.thing);
    return waited_ms > (only_policy ? POLICY_MS : DETACH_MS);
}

/* An account that is away for long is asked ever more seldom, by whoever calls this: others may
 * wait for the thread. */
static bool is_away(enum err e, int64_t waited_ms)
{
    return !is_held(e) && waited_ms > AWAY_MS;
}

/* @param[out] final_out  another try would not help */
static enum err try_until(struct work *w, bool *final_out)
{
    const int64_t began = deadline_now_ns();
    int64_t pause = PAUSE_MS;
    for (;;) {
        enum err e = pass(w);
        int64_t waited_ms = (deadline_now_ns() - began) / 1000000;
        *final_out = e && e != ERR_CANCELLED && (!may_pass(err_last()) || is_over(w, e, waited_ms));
        bool later = e == ERR_CANCELLED || is_away(e, waited_ms);
        if (!e || *final_out || later || deadline_passed(w->use->until)) return e;
        struct err_info why = *err_last();
        e = cancel_wait(w->use->cancel, deadline_within_ms(w->use->until, pause));
        if (e) return e;
        if (deadline_passed(w->use->until)) return err_restore(&why);
        pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
}

static enum err undo_cloud(struct work *w, bool *final_out)
{
    *final_out = false;
    if (!touches_cloud(w)) return ERR_OK;
    enum err e = work_needs_account(w);
    if (!e) e = work_same_account(w); /* where nothing of it is found, it would seem to be gone */
    *final_out = e != ERR_OK;
    return e ? e : try_until(w, final_out);
}

static enum err candidates_left(const struct work *w)
{
    return err_fail(ERR_CLOUD, "aws_outcome_unknown",
                    "Look at them in the account. DELETE of the registration looks again.",
                    "%zu certificates of the account may be what an unanswered request made",
                    w->p.candidate_count);
}

/* Why it is undone is told already; why it cannot be is what somebody has to mend. */
static void tell_why_left(struct err_info *error, const struct err_info *why)
{
    char detail[sizeof error->detail];
    snprintf(detail, sizeof detail, "%.200s. It could not be taken away: %.250s", error->detail,
             why->detail);
    memcpy(error->detail, detail, sizeof detail);
    memcpy(error->hint, why->hint, sizeof error->hint);
    if (why->device[0]) memcpy(error->device, why->device, sizeof error->device);
}

static enum err undo(struct work *w)
{
    bool final;
    enum err e = undo_cloud(w, &final);
    if (!e && w->p.candidate_count) {
        final = true;
        e = candidates_left(w);
    }
    struct err_info why = *err_last();
    /* The key of a certificate that stays is of no use to anybody either. */
    enum err local = !e || final ? delete_credential(w) : ERR_OK;
    if (local) return local;
    if (!e)
        w->record->state = REGISTRATION_UNDONE;
    else if (final)
        w->record->state = REGISTRATION_LEFT;
    if (e && w->record->error.kind == ERR_OK)
        w->record->error = why;
    else if (e && final)
        tell_why_left(&w->record->error, &why);
    local = work_save(w);
    if (local) w->record->state = REGISTRATION_UNDOING; /* as the store has it */
    return local ? local : e ? err_restore(&why) : ERR_OK;
}

enum err register_undo(const struct register_use *u, struct registration_record *r,
                       const struct err_info *why)
{
    struct work *w;
    if (r->state == REGISTRATION_UNDONE || r->state == REGISTRATION_FORGOTTEN) return ERR_OK;
    r->state = REGISTRATION_UNDOING;
    if (why) r->error = *why;
    enum err e = work_open(u, r, &w);
    if (e) { /* whoever takes it up later must not lead it on */
        struct err_info saved = *err_last();
        if (r->error.kind == ERR_OK) r->error = saved;
        (void)store_registration_save(u->store, r);
        return err_restore(&saved);
    }
    e = work_save(w);
    if (!e) e = undo(w);
    work_close(w);
    return e;
}
