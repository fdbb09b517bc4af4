/* registrations: what was done in an account at a cloud for one thing, in the store. Each change is
 * on the disk before the next call goes out, so that a restart knows what may be there. */
#ifndef SERVICE_STORE_REGISTRATIONS_H
#define SERVICE_STORE_REGISTRATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"
#include "service/base/id.h"
#include "service/store/store.h"

enum registration_state {
    REGISTRATION_REGISTERING, /* calls are being made */
    REGISTRATION_REGISTERED,  /* all is there, the certificate waits to be activated */
    REGISTRATION_ACTIVE,      /* done */
    REGISTRATION_UNDOING,     /* what was made is being taken away */
    REGISTRATION_UNDONE,      /* nothing of it is left */
    REGISTRATION_LEFT,        /* it could not be undone: its progress says what is left */
    REGISTRATION_FORGOTTEN    /* so, and nobody will try again: it stands in nobody's way */
};
/** "registering", "registered", … */
const char *registration_state_name(enum registration_state s);
enum err registration_state_parse(const char *name, enum registration_state *out);

enum { THING_NAME = 129 };

struct registration_record {
    char id[ID_TEXT]; /* "reg_…" */
    int64_t created_ms, changed_ms;
    char cloud[64];
    char thing[THING_NAME];   /* "" = the cloud has yet to name it */
    char job[ID_TEXT];        /* that it is part of; "" = it stands alone */
    char actor[64];           /* who asked for it */
    char credential[ID_TEXT]; /* of espgate: made by it, or brought to it; "" = not yet */
    char certificate[65];     /* its id at the cloud; "" = not known */
    char policy[129];         /* its name; "" = none yet */
    bool policy_made;         /* by this registration, or perhaps so */
    enum registration_state state;
    char *spec_json, *progress_json; /* heap, objects, without secrets (register/progress.h) */
    struct err_info error;           /* why it was, or is being, undone; kind ERR_OK: none */
};
void registration_record_dispose(struct registration_record *r);

/** @param secret  what only this registration knows, sealed: the device's key
 *  @return ERR_OK; ERR_NOT_FOUND with code cloud_not_found; ERR_CONFLICT with code
 * thing_registered: one of this cloud and thing lives, or certificate_registered: one of this
 * certificate; its id is in the detail */
enum err store_registration_add(struct store *s, const struct registration_record *r,
                                const void *secret, size_t n);
/** Write the present record over the old one. It lives, and keeps its secret, unless it is undone.
 *  @return ERR_OK; ERR_NOT_FOUND; ERR_CONFLICT with code thing_registered: the name that the cloud
 * gave it is taken here; ERR_CANCELLED with code registration_undoing: it is to be undone
 * meanwhile, and @p r does not say so */
enum err store_registration_save(struct store *s, const struct registration_record *r);
/** From now on it is being undone; whoever works at it hears of that at his next save.
 *  @return ERR_OK, also when it is undone or forgotten already; ERR_NOT_FOUND */
enum err store_registration_undo(struct store *s, const char *id);
/** The same, unless a job that has not ended makes it or works with its credential.
 *  @return as store_registration_undo(); ERR_CONFLICT with code registration_busy */
enum err store_registration_undo_idle(struct store *s, const char *id);
/** The job works with one that is active: until it ends nobody undoes it.
 *  @return ERR_OK; ERR_CONFLICT with code thing_registered: it is active no more; ERR_NOT_FOUND
 * with code credential_not_found */
enum err store_registration_hold(struct store *s, const struct registration_record *r,
                                 const char *job);
/** One that is left is given up; its record stays. @return ERR_OK, also again; ERR_NOT_FOUND;
 * ERR_CONFLICT with code registration_not_left */
enum err store_registration_forget(struct store *s, const char *id);
/** Those that somebody has to go on with after a start, oldest first; store_job_recover() has told
 * those of interrupted jobs to go back, and those of jobs that have not ended are theirs. Release
 * *ids_out with free(). */
enum err store_registration_open(struct store *s, char (**ids_out)[ID_TEXT], size_t *n_out);
/** @return ERR_OK; ERR_NOT_FOUND with code registration_not_found */
enum err store_registration_get(struct store *s, const char *id, struct registration_record *out);
/** The one that lives. @return as store_registration_get() */
enum err store_registration_find(struct store *s, const char *cloud, const char *thing,
                                 struct registration_record *out);
/** The one that lives and has this credential. @return as store_registration_get() */
enum err store_registration_of_credential(struct store *s, const char *credential,
                                          struct registration_record *out);
/** @param out  init it with buf_init_secret; stays empty once it was wiped
 *  @return as store_registration_get() */
enum err store_registration_secret(struct store *s, const char *id, struct buf *out);
/** Replace its secret; @p n 0 wipes it, with what the log holds of it. */
enum err store_registration_secret_put(struct store *s, const char *id, const void *secret,
                                       size_t n);
/** Is this certificate of a registration that lives? */
enum err store_registration_has_certificate(struct store *s, const char *certificate, bool *out);

struct registration_policy {
    bool made;   /* by a registration of this store */
    bool shared; /* another one names it, and is not being undone */
};
/** What is known here of the policy of @p r. */
enum err store_registration_policy(struct store *s, const struct registration_record *r,
                                   struct registration_policy *out);
/** It is gone: nobody here has made one of that name. */
enum err store_registration_policy_gone(struct store *s, const char *cloud, const char *policy);

struct registration_filter {
    char cloud[64], thing[THING_NAME], job[ID_TEXT]; /* "" = any */
    bool by_state;
    enum registration_state state;
};
/** Newest first. Release each with registration_record_dispose() and the list with free(). */
enum err store_registration_list(struct store *s, const struct registration_filter *filter,
                                 struct store_page *page, struct registration_record **list_out,
                                 size_t *n_out);
#endif
