/* work: one registration while somebody works at it: its record, taken apart, and whom to call.
 * Private to service/register. */
#ifndef SERVICE_REGISTER_WORK_H
#define SERVICE_REGISTER_WORK_H

#include "service/cloud/aws_iot.h"
#include "service/register/progress.h"
#include "service/register/register.h"
#include "service/register/secret.h"

struct work {
    const struct register_use *use;
    struct registration_record *record;
    struct progress p;
    struct register_spec spec;
    char client_id[257], topic[257];
    struct cloud_view view;
    struct aws_account *account; /* NULL = this bench has no keys for the cloud */
    struct device_secret secret;
    char *certificate_pem; /* heap; NULL = not asked for yet */
    struct buf roots;      /* PEM; empty = not looked for yet */
};

/** @param[out] out  NULL on error; work_close() it
 *  @return ERR_OK; ERR_NOT_FOUND with code cloud_not_found; errors of accounts_take(); ERR_IO */
enum err work_open(const struct register_use *use, struct registration_record *r,
                   struct work **out);
/** The record is brought up to date, in memory. NULL allowed. Keeps the error of this thread. */
void work_close(struct work *w);
/** What was done and what comes next, onto the disk. @return ERR_OK, ERR_IO, ERR_MEM;
 * ERR_CANCELLED with code registration_undoing: somebody wants it undone */
enum err work_save(struct work *w);
/** The secret, too, before anything that depends on it. */
enum err work_save_secret(struct work *w);
/** For calls of aws_iot.h, which need an account. */
struct aws_use work_call(const struct work *w);
/** Now, by AWS's clock: milliseconds since 1970. */
int64_t work_now_ms(const struct work *w);
/** @return ERR_OK, also where nobody tells; ERR_CONFLICT with code cloud_other_account: the keys
 * are those of another account than the one in which this was begun */
enum err work_same_account(const struct work *w);
/** @return ERR_ARG with code cloud_has_no_keys */
enum err work_no_keys(const char *cloud);
/** @return ERR_OK; as work_no_keys() */
enum err work_needs_account(const struct work *w);

/** Is it certain that a call that ended so has changed nothing? Only of those that are not
 * repeated on their own. */
bool work_nothing_done(enum err e);
/** It is about to be made: onto the disk. An intent that could not be stored was none.
 *  @return as work_save() */
enum err work_intend(struct work *w, enum fate *fate);
/** What has become of it after a call that ended so. @param before  the intent: was there an
 * earlier one, nothing but success tells what came of that */
enum fate work_came_to(enum err e, enum fate before);
/** The certificate's text, asked for when it is not known. */
enum err work_certificate(struct work *w, const char **pem_out);
/** Notes a certificate that the cloud made. */
void work_take_certificate(struct work *w, struct iot_certificate *c);
/** Its id at the cloud may be put together here, or be asked of it. */
enum err work_arn(struct work *w, const char **arn_out);

/* --- what register_run() does, one after the other; each goes on from wherever it stands */
enum err make_endpoint(struct work *w); /* and the roots: nothing is changed yet */
enum err make_thing(struct work *w);
enum err make_policy(struct work *w);
enum err make_certificate(struct work *w);
enum err make_attachments(struct work *w);
enum err make_credential(struct work *w);
/** The other order of things: a claim is exchanged, the template makes the rest. */
enum err make_by_claim(struct work *w);

/** Certificates at the cloud with this registration's key, besides record->certificate. Those that
 * other registrations have are not looked at.
 *  @param list_out  release each with iot_certificate_dispose() and the list with free() */
enum err find_certificates(struct work *w, struct iot_certificate **list_out, size_t *n_out);
/** Certificates that may have been made for us with a key that nobody knows: into the candidates.
 */
enum err find_candidates(struct work *w);
/** Delete what find_certificates() finds. @param n_out  how many; NULL allowed */
enum err find_and_delete(struct work *w, size_t *n_out);
/** Where a certificate was asked for and no answer is known: is what came of it certain to show by
 * now? */
bool find_has_settled(const struct work *w);
/** A request for a certificate, of the device's key. */
enum err work_request(const struct work *w, struct buf *out);
/** The digest of the public key, from the key, where only that is known. */
enum err work_know_key(struct work *w);
/** Does a thing that is there have what was asked for? */
bool thing_fits(const struct register_spec *s, const struct iot_thing *t);
#endif
