#include "stats.h"

#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(json_t *row, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void put(json_t *row, const char *key, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    json_object_set_new(row, key, json_vsprintf(fmt, ap));
    va_end(ap);
}

/* As docker's «A / B» has them, in powers of 1000. */
static void put_pair(json_t *row, const char *key, uint64_t a, uint64_t b)
{
    cleanup(buf_free) struct buf text = BUF_INIT;
    units_human_size(&text, a, 4, "");
    buf_adds(&text, " / ");
    units_human_size(&text, b, 4, "");
    put(row, key, "%s", buf_str(&text));
}

static void add_binary(struct buf *b, uint64_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)n;
    size_t i = 0;
    for (; v >= 1024 && i < 6; i++)
        v /= 1024;
    buf_addf(b, "%.4g%s", v, units[i]);
}

static double share(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

static void put_cpu(json_t *row, const struct sample *now, const struct sample *before)
{
    bool fresh = before && before->started_ns == now->started_ns && before->cpu_ns <= now->cpu_ns;
    double up = (double)(now->started_ns ? now->at_ns - now->started_ns : 0);
    double average = share((double)now->cpu_ns, up);
    double percent =
        fresh ? share((double)(now->cpu_ns - before->cpu_ns), (double)(now->at_ns - before->at_ns))
              : average;
    cleanup(buf_free) struct buf used = BUF_INIT, lived = BUF_INIT, human = BUF_INIT;
    units_duration_text(&used, (int64_t)now->cpu_ns / 1000 * 1000);
    units_duration_text(&lived, (int64_t)up / 1000000 * 1000000);
    units_human_time(&human, (int64_t)up);
    put(row, "CPUTime", "%s", buf_str(&used));
    put(row, "CPUPerc", "%.2f%%", percent);
    put(row, "AvgCPU", "%.2f%%", average);
    put(row, "UpTime", "%s", buf_str(&lived));
    put(row, "Up", "%s", buf_str(&human));
    json_object_set_new(row, "CPU", json_real(percent));
    json_object_set_new(row, "CPUNano", json_integer((json_int_t)now->cpu_ns));
    json_object_set_new(row, "Duration", json_integer((json_int_t)now->cpu_ns));
    json_object_set_new(row, "SystemNano", json_integer((json_int_t)now->at_ns));
}

static void put_memory(json_t *row, const struct sample *s)
{
    cleanup(buf_free) struct buf binary = BUF_INIT;
    add_binary(&binary, s->memory);
    buf_adds(&binary, " / ");
    add_binary(&binary, s->limit);
    put_pair(row, "MemUsage", s->memory, s->limit);
    put(row, "MemUsageBytes", "%s", buf_str(&binary));
    put(row, "MemPerc", "%.2f%%", share((double)s->memory, (double)s->limit));
    json_object_set_new(row, "MemLimit", json_integer((json_int_t)s->limit));
}

json_t *stats_row(const struct ctr *c, const struct sample *now, const struct sample *before,
                  bool whole)
{
    static const char *const pressures[] = {"CPUPressure", "MemPressure", "IOPressure"};
    json_t *row = json_object();
    put(row, "ID", "%.*s", whole ? 64 : 12, c->id);
    put(row, "ContainerID", "%s", c->id);
    put(row, "Name", "%s", ctr_name(c));
    put_cpu(row, now, before);
    put_memory(row, now);
    if (now->has_net || !now->started_ns)
        put_pair(row, "NetIO", now->net_in, now->net_out);
    else
        put(row, "NetIO", "-- / --");
    put_pair(row, "BlockIO", now->block_in, now->block_out);
    put(row, "PIDS", "%llu", (unsigned long long)now->pids);
    json_object_set_new(row, "PIDs", json_integer((json_int_t)now->pids));
    json_object_set_new(row, "NetInput", json_integer((json_int_t)now->net_in));
    json_object_set_new(row, "NetOutput", json_integer((json_int_t)now->net_out));
    json_object_set_new(row, "BlockInput", json_integer((json_int_t)now->block_in));
    json_object_set_new(row, "BlockOutput", json_integer((json_int_t)now->block_out));
    for (size_t i = 0; i < 3; i++) {
        if (now->pressure[i] < 0)
            put(row, pressures[i], "--");
        else
            put(row, pressures[i], "%.2f%%", now->pressure[i]);
    }
    return row;
}

json_t *stats_json(const json_t *row)
{
    static const struct {
        const char *json, *key;
    } members[] = {{"id", "ID"},
                   {"name", "Name"},
                   {"cpu_time", "CPUTime"},
                   {"cpu_percent", "CPUPerc"},
                   {"avg_cpu", "AvgCPU"},
                   {"mem_usage", "MemUsage"},
                   {"mem_percent", "MemPerc"},
                   {"net_io", "NetIO"},
                   {"block_io", "BlockIO"},
                   {"pids", "PIDS"},
                   {"cpu_pressure", "CPUPressure"},
                   {"mem_pressure", "MemPressure"},
                   {"io_pressure", "IOPressure"}};
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *text = jx_str(row, members[i].key);
        if (i < 10 || strcmp(text, "--") != 0)
            json_object_set_new(o, members[i].json, json_string(text));
    }
    return o;
}
