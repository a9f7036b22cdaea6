// The area under the ROC curve (AUC): how well somebody who may only look at one measured value tells two classes apart.
// 0.5 is guessing. The interval is DeLong's (Biometrics 44, 1988), by the ranks of Sun and Xu (2014).

/** With its 95 % interval. */
export function areaUnderCurve(first: number[], second: number[]) {
  const all = midranks([...first, ...second]);
  const own = [midranks(first), midranks(second)] as const;
  const [m, n] = [first.length, second.length];
  // Of each value: the share of the other class that lies below it, ties counted half.
  const placements = [
    first.map((_, i) => (all[i]! - own[0][i]!) / n),
    second.map((_, j) => 1 - (all[m + j]! - own[1][j]!) / m),
  ] as const;
  const auc = mean(placements[0]);
  const error = Math.sqrt(variance(placements[0]) / m + variance(placements[1]) / n);
  return { auc, low: auc - 1.96 * error, high: auc + 1.96 * error };
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function midranks(values: number[]) {
  const order = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const ranks = new Array<number>(values.length);
  for (let begin = 0; begin < order.length;) {
    let end = begin;
    while (end < order.length && order[end]!.value === order[begin]!.value) end++;
    for (let k = begin; k < end; k++) ranks[order[k]!.index] = (begin + end + 1) / 2;
    begin = end;
  }
  return ranks;
}

function mean(values: number[]) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function variance(values: number[]) {
  const center = mean(values);
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1);
}
