/* Statistics of float32 values that lie one after the other in memory.

   The same numbers as host.py's, in one pass where NumPy needs several, and summed in double: the
   square of no float32 underflows or overflows there. Loops run over LANES sums side by side, which
   compilers turn into vector instructions without being allowed to reorder anything else, so that
   one machine gives the same digits each time. Nothing is allocated and nothing is kept. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 32
#define MOST_BINS 256
#define BLOCK 1024
#define TABLES 4

/* Each kernel is there once for each kind of processor where the linker can choose between them. */
#if defined(__linux__) && defined(__x86_64__)
#define KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KERNEL
#endif
#define INLINE static inline __attribute__((always_inline))

/* The sum of all lanes, which are used up. */
INLINE double total_of(double *lanes)
{
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++)
            lanes[j] += lanes[j + half];
    return lanes[0];
}

INLINE double squares_of(const float *x, ptrdiff_t n)
{
    double squares[LANES] = {0.0};
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            double value = x[i + j];
            squares[j] += value * value;
        }
    for (; i < n; i++)
        squares[0] += (double)x[i] * x[i];
    return total_of(squares);
}

/* The Frobenius norm. */
KERNEL double norm(const float *x, ptrdiff_t n)
{
    return sqrt(squares_of(x, n));
}

/* The Frobenius norm of x - y, whose differences are rounded as float32 does. */
KERNEL double distance(const float *x, const float *y, ptrdiff_t n)
{
    double squares[LANES] = {0.0};
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            double value = x[i + j] - y[i + j];
            squares[j] += value * value;
        }
    for (; i < n; i++) {
        double value = x[i] - y[i];
        squares[0] += value * value;
    }
    return sqrt(total_of(squares));
}

/* The Frobenius norm of what becomes of x, rounded as float32 does, when step * y is subtracted. */
KERNEL double change(const float *x, const float *y, ptrdiff_t n, float step)
{
    double squares[LANES] = {0.0};
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float after = x[i + j] - step * y[i + j];
            double value = after - x[i + j];
            squares[j] += value * value;
        }
    for (; i < n; i++) {
        float after = x[i] - step * y[i];
        double value = after - x[i];
        squares[0] += value * value;
    }
    return sqrt(total_of(squares));
}

/* Mean and standard deviation of n values, of their sum and the sum of their squares. Returns 0
   where the variance is less than `cancels` of the second moment, or not finite: what was found is
   worth nothing then. */
INLINE int spread(double sum, double squares, ptrdiff_t n, double cancels, double *found)
{
    double mean = sum / n, second = squares / n, variance = second - mean * mean;
    found[0] = mean;
    found[1] = sqrt(variance);
    return variance > cancels * second && variance < INFINITY;
}

INLINE int moments_of(const float *x, ptrdiff_t n, double cancels, double *found)
{
    double values[LANES] = {0.0}, squares[LANES] = {0.0};
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            double value = x[i + j];
            values[j] += value;
            squares[j] += value * value;
        }
    for (; i < n; i++) {
        values[0] += x[i];
        squares[0] += (double)x[i] * x[i];
    }
    return spread(total_of(values), total_of(squares), n, cancels, found);
}

/* The moments of z and of a, and the norm of w: one call where three would take as long again.
   Returns 0 as `spread` does. */
KERNEL int passed(const float *z, ptrdiff_t z_size, const float *a, ptrdiff_t a_size,
                  const float *w, ptrdiff_t w_size, double cancels, double *found)
{
    found[4] = sqrt(squares_of(w, w_size));
    return moments_of(z, z_size, cancels, found) && moments_of(a, a_size, cancels, found + 2);
}

/* Of a matrix: the root mean square over columns of the standard deviation over rows, and the mean
   cosine between two different rows that are not 0, NaN where there are no two. `scratch` has room
   for two numbers of each column. Returns 0 as `spread` does. */
KERNEL int dependence(const float *x, ptrdiff_t rows, ptrdiff_t columns, double cancels,
                      double *scratch, double *found)
{
    double *restrict sum = scratch, *restrict directions = scratch + columns;
    double squares = 0.0, squared_sums = 0.0, squared_directions = 0.0;
    ptrdiff_t directed = 0;
    for (ptrdiff_t j = 0; j < columns; j++)
        sum[j] = directions[j] = 0.0;
    for (ptrdiff_t i = 0; i < rows; i++) {
        const float *row = x + i * columns;
        double length = sqrt(squares_of(row, columns));
        double share = length > 0.0 ? 1.0 / length : 0.0;
        squares += length * length;
        directed += length > 0.0;
        for (ptrdiff_t j = 0; j < columns; j++) {
            sum[j] += row[j];
            directions[j] += share * row[j];
        }
    }
    for (ptrdiff_t j = 0; j < columns; j++) {
        squared_sums += sum[j] * sum[j];
        squared_directions += directions[j] * directions[j];
    }
    double variance = squares - squared_sums / rows;
    if (!(variance > cancels * squares && variance < INFINITY))
        return 0;
    double cosine = (squared_directions - directed) / ((double)directed * (directed - 1));
    found[0] = sqrt(variance / ((double)rows * columns));
    /* Rounding may leave a whisker above 1 where all rows are the same. */
    found[1] = directed < 2 ? NAN : cosine > 1.0 ? 1.0 : cosine;
    return 1;
}

/* The share of values at or below `low` or at or above `high`; NaN with a NaN among them. A limit
   that is NaN itself is none. */
KERNEL double share_outside(const float *x, ptrdiff_t n, float low, float high)
{
    int32_t outside[LANES] = {0}, missing[LANES] = {0};
    ptrdiff_t i = 0, counted = 0, undefined = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float value = x[i + j];
            outside[j] += (value <= low) | (value >= high);
            missing[j] |= value != value;
        }
    for (; i < n; i++) {
        outside[0] += (x[i] <= low) | (x[i] >= high);
        missing[0] |= x[i] != x[i];
    }
    for (int j = 0; j < LANES; j++) {
        counted += outside[j];
        undefined |= missing[j];
    }
    return undefined ? NAN : (double)counted / (double)n;
}

/* Counts in `bins` bins, which begin at `least` and of which `scale` fit into a width of 1. */
INLINE void count(const float *x, ptrdiff_t n, float least, float scale, int bins, int32_t *counts)
{
    /* Neighbours are counted in different tables: one counter would have to wait for itself. */
    int32_t tables[TABLES][MOST_BINS] = {{0}};
    uint8_t block[BLOCK];
    for (ptrdiff_t i = 0; i < n; i += BLOCK) {
        int here = n - i < BLOCK ? (int)(n - i) : BLOCK, j = 0;
        for (int k = 0; k < here; k++)
            block[k] = (uint8_t)(int32_t)((x[i + k] - least) * scale);
        for (; j + TABLES <= here; j += TABLES)
            for (int table = 0; table < TABLES; table++)
                tables[table][block[j + table]]++;
        for (; j < here; j++)
            tables[0][block[j]]++;
    }
    for (int bin = 0; bin < bins; bin++) {
        counts[bin] = 0;
        for (int table = 0; table < TABLES; table++)
            counts[bin] += tables[table][bin];
    }
}

/* Mean, standard deviation, norm, the least and the greatest value, and counts in `bins` bins (at
   most MOST_BINS) from that to this. Returns the sum of 1 where mean and standard deviation are
   good (see `spread`) and 2 where the values were counted. That takes more care where there is none
   or one is not finite, and with a range not wider than `narrow` and than `share` of the values, or
   not narrower than `wide`. */
KERNEL int describe(const float *x, ptrdiff_t n, double cancels, int bins, double narrow,
                    double share, double wide, double *found, int32_t *counts)
{
    double values[LANES] = {0.0}, squares[LANES] = {0.0};
    float low[LANES], high[LANES];
    if (n < 1)
        return 0;
    for (int j = 0; j < LANES; j++)
        low[j] = high[j] = x[0];
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float value = x[i + j];
            double wider = value;
            values[j] += wider;
            squares[j] += wider * wider;
            low[j] = value < low[j] ? value : low[j];
            high[j] = value > high[j] ? value : high[j];
        }
    for (; i < n; i++) {
        values[0] += x[i];
        squares[0] += (double)x[i] * x[i];
        low[0] = x[i] < low[0] ? x[i] : low[0];
        high[0] = x[i] > high[0] ? x[i] : high[0];
    }
    for (int j = 1; j < LANES; j++) {
        low[0] = low[j] < low[0] ? low[j] : low[0];
        high[0] = high[j] > high[0] ? high[j] : high[0];
    }
    double second = total_of(squares), least = low[0], greatest = high[0], width = greatest - least;
    double farthest = -least > greatest ? -least : greatest;
    int is_good = spread(total_of(values), second, n, cancels, found);
    found[2] = sqrt(second);
    found[3] = least;
    found[4] = greatest;
    if (!(second < INFINITY && width > narrow && width > share * farthest && width < wide))
        return is_good;
    /* The greatest value belongs into the last bin, not behind it. */
    count(x, n, low[0], (float)(bins * (1.0 - 1e-6) / width), bins, counts);
    return is_good + 2;
}
