import { randomUUID } from 'node:crypto';
import { readJwt } from '../../test/support/jwt';
import { Keyring, RecordedSecurityEvent, secondsAfter, SecurityEvents } from '../common';
import { MovableClock } from '../testing';
import { LinkKind, OpenedLink } from './link-kind';
import { HAND_OVER_GRACE_SECONDS, LinkService } from './link.service';
import { LinkExpiredError, LinkInvalidError, LinkUsedError } from './links.errors';
import { SignedTokens } from './signed-tokens';

interface Invitation {
  id: string;
  used: boolean;
}

/** All that a new kind of link takes. */
class InvitationLink extends LinkKind<Invitation, string> {
  readonly purpose = 'invitation';
  readonly url: string = 'https://id.example.com/join/{token}';
  readonly ttlSeconds = 600;
  readonly rows = new Map<string, Invitation>();

  constructor(links: LinkService) {
    super();
    links.register(this);
  }

  findRow(id: string) {
    return Promise.resolve(this.rows.get(id));
  }

  assertLive({ row, expired }: OpenedLink<Invitation>) {
    if (expired) return Promise.reject(new LinkExpiredError());
    if (row.used) return Promise.reject(new LinkUsedError());
    return Promise.resolve(`live ${row.id}`);
  }

  describe({ id }: Invitation) {
    return { userId: `user of ${id}`, details: { invitationId: id } };
  }
}

describe('LinkService', () => {
  const clock = new MovableClock();
  clock.freeze();
  const events: RecordedSecurityEvent[] = [];
  const securityEvents = new SecurityEvents(clock);
  securityEvents.onEvent((event) => Promise.resolve(void events.push(event)));
  const tokens = new SignedTokens(new Keyring({ secretKey: 'x'.repeat(32) }), clock);
  const links = new LinkService(tokens, securityEvents, clock);
  const kind = new InvitationLink(links);

  const source = { ip: '192.0.2.1' };
  const attempt = { act: 'registration_opened', source } as const;
  const tokenOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);
  const invite = (used = false) => {
    const invitation = { id: randomUUID(), used };
    kind.rows.set(invitation.id, invitation);
    return { ...invitation, token: tokenOf(links.sign(kind, invitation.id)) };
  };
  beforeEach(() => events.splice(0));

  it('signs a link that lives for its lifetime and a minute of grace, to the second', async () => {
    const { id, token } = invite();
    expect(links.sign(kind, id)).toBe(`https://id.example.com/join/${token}`);
    expect(links.endOf(kind)).toEqual(new Date(Number(readJwt(token).claims['exp']) * 1000));
    const end = links.endOf(kind);
    expect(Math.floor(clock.now().getTime() / 1000) + 600 + HAND_OVER_GRACE_SECONDS).toBe(
      end.getTime() / 1000,
    );
    clock.advance((end.getTime() - clock.now().getTime()) / 1000 - 0.001);
    expect(await links.openLive(kind, token)).toBe(`live ${id}`);
    clock.advance(0.001);
    await expect(links.openLive(kind, token)).rejects.toThrow(LinkExpiredError);
  });

  it('signs a link that ends with its row', () => {
    const { id } = invite();
    const end = secondsAfter(links.endOf(kind), 60);
    const token = tokenOf(links.sign(kind, id, end));
    expect(readJwt(token).claims['exp']).toBe(end.getTime() / 1000);
  });

  it('opens what is genuine, dead or alive, and loads no row for a forgery', async () => {
    const { id, token } = invite(true);
    expect(await links.open(kind, token)).toEqual({ row: { id, used: true }, expired: false });
    const findRow = jest.spyOn(kind, 'findRow');
    await expect(links.open(kind, `${token}x`)).rejects.toThrow(LinkInvalidError);
    await expect(links.open(kind, tokens.sign('other', id, links.endOf(kind)))).rejects.toThrow(
      LinkInvalidError,
    );
    expect(findRow).not.toHaveBeenCalled();
  });

  it('calls a link without a row invalid, or expired where its time is over', async () => {
    const { id, token } = invite();
    kind.rows.delete(id);
    await expect(links.open(kind, token)).rejects.toThrow(LinkInvalidError);
    clock.advance(700);
    await expect(links.open(kind, token)).rejects.toThrow(LinkExpiredError);
  });

  it('hands a live link and its row on, and records nothing itself', async () => {
    const { id, token } = invite();
    const given = await links.withLiveLink(kind, token, attempt, (...each) => Promise.resolve(each));
    expect(given).toEqual([`live ${id}`, { id, used: false }]);
    expect(events).toEqual([]);
  });

  it.each([
    ['the link is dead', true, undefined, 'LINK_USED'],
    ['the work fails', false, new LinkExpiredError(), 'LINK_EXPIRED'],
  ])('records a failure, with its code and whose link it is, when %s', async (_, used, error, reason) => {
    const { id, token } = invite(used);
    const work = () => (error ? Promise.reject(error) : Promise.resolve());
    await expect(links.withLiveLink(kind, token, attempt, work)).rejects.toThrow();
    expect(events).toMatchObject([
      {
        act: 'registration_opened',
        outcome: 'failure',
        userId: `user of ${id}`,
        source: source.ip,
        details: { invitationId: id, reason },
      },
    ]);
  });

  it('knows the kinds that are registered, and no others', () => {
    expect(links.kindOf('invitation')).toBe(kind);
    expect(() => links.kindOf('other')).toThrow('no module has links for "other"');
  });
});
