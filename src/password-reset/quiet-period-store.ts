/**
 * Where the times are kept in which an account gets no reset mails, because its owner has said "this was not me". Default:
 * {@link TypeOrmQuietPeriodStore}.
 */
export abstract class QuietPeriodStore {
  /** @returns when the latest quiet period of a user ends, or ended */
  abstract endOf(userId: string): Promise<Date | undefined>;

  /** Begins one, in place of the latest, which may have ended later. */
  abstract begin(userId: string, endsAt: Date): Promise<void>;

  /** Forgets those that ended before a moment. @returns how many */
  abstract deleteExpired(before: Date): Promise<number>;

  /** As {@link endOf}, of many users at once, by their ids. By default one after the other. */
  async endsOf(userIds: readonly string[]): Promise<Map<string, Date>> {
    const ends = new Map<string, Date>();
    for (const userId of userIds) {
      const end = await this.endOf(userId);
      if (end) ends.set(userId, end);
    }
    return ends;
  }
}
