/* intake: a credential on its way in, whether it was sent whole or is the answer to a request for a
 * certificate. The code is in credentials.c. */
#ifndef API_HANDLERS_INTAKE_H
#define API_HANDLERS_INTAKE_H

#include "api/reply.h"
#include "api/request.h"
#include "api/server.h"
#include "service/pki/credential.h"
#include "service/pki/inspect.h"

struct intake {
    struct credential_rules rules;
    struct credential_duplicate duplicate;
    struct check_list checks;
    struct credential *c; /* NULL: a check failed */
};

/** An intake by the rules of ?allow=, still empty. @return ERR_OK; ERR_ARG with code bad_query */
enum err intake_begin(const struct request *rq, struct intake *out);
/** Read and judge what was sent, by the rules of ?allow=.
 *  @param more  what is here already, judged with it; @p n of them, borrowed
 *  @param refusal_out  the reply when that went wrong; not for a credential that failed its checks
 *  @return false: answer with *refusal_out */
bool intake_judge(const struct request *rq, const struct credential_input *more, size_t n,
                  struct intake *out, struct reply *refusal_out);
/** Take the files of many boards apart, with the rules of ?allow= for who judges what is found. The
 * code is in inspect.c.
 *  @param[out] s_out  release with inspect_free()
 *  @return false: answer with *refusal_out */
bool intake_inspect(struct request *rq, struct intake *out, struct inspection **s_out,
                    struct reply *refusal_out);
/** Keep it and say so: 201; 409 when it is there already; 422 when a check failed.
 *  @param in  judged; its credential is released
 *  @param[out] kept  whether it was kept */
struct reply intake_reply(const struct request *rq, const struct service *svc, struct intake *in,
                          bool *kept);
#endif
