#include "tests/board/strap.h"

void strap_elapse(struct strap *s, uint64_t now_ns)
{
    if (s->started_ns == 0 || now_ns < s->started_ns) return;
    s->started_ns = 0;
    s->started(s->io0_low, s->arg);
}

void strap_edge(struct strap *s, bool dtr, bool rts, uint64_t at_ns)
{
    strap_elapse(s, at_ns); /* with the lines as they were until now */
    bool was_low = s->en_low;
    s->en_low = rts && !dtr;
    s->io0_low = dtr && !rts;
    if (s->en_low && !was_low) {
        bool rising = s->started_ns != 0;
        s->started_ns = 0;
        if (!rising) s->held(s->arg);
    } else if (!s->en_low && was_low) {
        s->started_ns = at_ns + STRAP_RISE_NS;
    }
}
