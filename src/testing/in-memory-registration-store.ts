import { Injectable } from '@nestjs/common';
import { Registration, RegistrationStore } from '../registration';
import { InMemoryTable, InMemoryTransactions } from './in-memory-transactions';

@Injectable()
export class InMemoryRegistrationStore extends RegistrationStore {
  private readonly registrations: InMemoryTable<Registration>;

  constructor(transactions: InMemoryTransactions) {
    super();
    this.registrations = new InMemoryTable(transactions);
  }

  insert(registration: Registration): Promise<void> {
    return Promise.resolve(this.registrations.put(registration));
  }

  findById(id: string): Promise<Registration | undefined> {
    return Promise.resolve(this.registrations.get(id));
  }

  markMailed(id: string, mailedAt: Date, userId: string | null): Promise<void> {
    return this.change(id, { mailedAt, userId });
  }

  async spend(id: string, at: Date): Promise<boolean> {
    const registration = this.registrations.get(id);
    if (!registration || registration.usedAt || registration.passwordHash === null) return false;
    await this.change(id, { usedAt: at, passwordHash: null });
    return true;
  }

  discard(id: string): Promise<void> {
    return this.change(id, { passwordHash: null });
  }

  override async discardUnmailed(ids: readonly string[]): Promise<string[]> {
    const open = this.registrations.filter(
      ({ id, passwordHash, mailedAt }) => ids.includes(id) && passwordHash !== null && !mailedAt,
    );
    for (const { id } of open) await this.discard(id);
    return open.map(({ id }) => id);
  }

  async discardAllOf(userId: string): Promise<void> {
    const open = this.registrations.filter((registration) => registration.userId === userId);
    for (const { id } of open) await this.discard(id);
  }

  deleteExpired(before: Date): Promise<number> {
    const old = this.registrations.filter(({ createdAt }) => createdAt < before);
    for (const { id } of old) this.registrations.delete(id);
    return Promise.resolve(old.length);
  }

  private change(id: string, changes: Partial<Registration>): Promise<void> {
    const registration = this.registrations.get(id);
    if (registration) this.registrations.put({ ...registration, ...changes });
    return Promise.resolve();
  }
}
