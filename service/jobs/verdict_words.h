/* verdict_words: for each code its side, its sentence and its fix. For the verdict's own files. */
#ifndef SERVICE_JOBS_VERDICT_WORDS_H
#define SERVICE_JOBS_VERDICT_WORDS_H

#include <stdbool.h>

#include "service/jobs/verdict.h"

struct verdict_words {
    const char *name;
    enum verdict_side side;
    bool of_mqtt;             /* it shows after the TLS handshake has ended well */
    const char *detail, *fix; /* with names in braces, for verdict_say() to fill in */
};

const struct verdict_words *verdict_words(enum verdict_code code);
/** Fill in the sentence and the fix of @p code from the evidence. */
void verdict_say(const struct check_evidence *e, enum verdict_code code, struct finding *out);
#endif
