/* register: from nothing to a registered thing at a cloud, and back. The record of a registration
 * says, on the disk, before each call that changes the account what is about to be done, and after
 * it what came of it: whoever is killed in between finds at the next start all that may be there.
 *
 *   register_begin()  a record, with a key          → registering
 *   register_run()    thing, policy, certificate, attachments  → registered, and a credential here
 *   (the board is written)
 *   register_activate()                             → active
 *   register_undo()   in reverse                    → undone, or left
 *
 * What was there before stays: a thing that is adopted is neither deleted nor taken out of the
 * groups that were asked for (which of them it had is not known), a policy goes with the last of
 * the registrations here that name it, and only where AWS knows of no other use of it.
 *
 * One registration is worked at by one thread at a time; the callers see to it (a job, or the
 * keeper). Errors have the codes of aws_call.h and:
 *   thing_registered ERR_CONFLICT   it is registered from here already, and not in the same way
 *   certificate_registered ERR_CONFLICT  a certificate from elsewhere is that of another thing here
 *   cloud_other_account ERR_CONFLICT  the cloud's keys are of another account than it was begun in
 *   thing_has_certificate ERR_CONFLICT  it is there, with a certificate of somebody's
 *   thing_differs ERR_CONFLICT      it is there, with another type or attributes
 *   thing_type_missing, thing_group_missing ERR_NOT_FOUND
 *   policy_missing ERR_NOT_FOUND    the one that is to be used as it is
 *   policy_differs ERR_CONFLICT     one of that name says something else
 *   policy_invalid ERR_ARG          AWS does not take the document
 *   endpoint_not_ats, endpoint_region ERR_ARG; endpoint_untrusted ERR_NETWORK
 *   claim_template_missing ERR_NOT_FOUND; claim_refused, claim_rejected ERR_CLOUD
 *   cloud_has_no_keys ERR_ARG */
#ifndef SERVICE_REGISTER_REGISTER_H
#define SERVICE_REGISTER_REGISTER_H

#include <jansson.h>

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/register/accounts.h"
#include "service/register/spec.h"
#include "service/store/registrations.h"

struct register_use { /* with whom, and how long it may take */
    struct store *store;
    struct accounts *accounts;
    struct cancel *cancel; /* NULL = cannot be stopped */
    struct deadline until;
};

struct register_order {
    const struct register_spec *spec; /* filled in */
    const char *client_id, *topic; /* that the policy is to allow; {thing} in them stands for it */
    const char *job, *actor;       /* "" = none */
};

/** Find or make the registration of a thing. One that is active, asked for in the same way, and
 * whose key is still here, is taken as it is: *out is then REGISTRATION_ACTIVE, and must not be
 * undone when the caller fails. One that is being undone is waited for, until @p u->until.
 *  @return ERR_OK; ERR_CONFLICT with code thing_registered; ERR_ARG, ERR_MEM, ERR_IO */
enum err register_begin(const struct register_use *u, const struct register_order *o,
                        struct registration_record *out);
/** Go on from wherever it stands. @return ERR_OK: it is registered, r->credential names the
 * credential; the errors above: the caller undoes it */
enum err register_run(const struct register_use *u, struct registration_record *r);
/** The certificate becomes active. Again is no error. */
enum err register_activate(const struct register_use *u, struct registration_record *r);
/** Take away what was made, the newest first. What cannot be taken away now (AWS detaches with a
 * delay, or is not reached) is tried again until @p u->until. @param why  kept with it; NULL = it
 * was asked for
 *  @return ERR_OK: undone; ERR_BUSY or the cloud's error: r->state says left or undoing, and
 * registration_left() what */
enum err register_undo(const struct register_use *u, struct registration_record *r,
                       const struct err_info *why);

/** Address of the data endpoint, once it is known; "" before. */
void registration_endpoint(const struct registration_record *r, char out[254]);
/** As it is shown: ids, states, "left":[{"kind","name"}], "error". @return new reference */
json_t *registration_to_json(const struct registration_record *r);
/** What may still be in the account, as a sentence; "" = nothing. */
void registration_left(const struct registration_record *r, char *out, size_t cap);
#endif
