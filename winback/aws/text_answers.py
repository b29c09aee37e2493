"""What customers text back: STOP ends texts to them, whatever the rest of the message."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from winback.accounts import Account
from winback.aws.feedback import FeedbackBook
from winback.aws.suppressions import SuppressionReason
from winback.aws.tables import UnknownAccount
from winback.aws.texts import TextIndex
from winback.delivery.channels import ChannelName
from winback.delivery.ledger import EventKind, FeedbackEvent
from winback.delivery.text_feedback import AnswerKind, TextAnswer
from winback.identifiers import SendId

_SMS = ChannelName.SMS.value


@dataclass(frozen=True)
class TextAnswers:
    book: FeedbackBook
    texts: TextIndex

    def take(self, answer: TextAnswer, *, at: datetime) -> str:
        """What was done. HELP is answered by AWS itself, with the keyword's text of the number:
        https://docs.aws.amazon.com/sms-voice/latest/userguide/keywords.html"""
        if answer.kind is not AnswerKind.STOP:
            return answer.kind.value
        send_id = self.texts.find(answer.message_id) if answer.message_id else None
        if send_id is not None:
            try:
                account = self.book.accounts.get(send_id.account_id)
            except UnknownAccount:  # erased: nobody is left who would text
                return "unknown_account"
            self._unsubscribe(account, send_id, answer.number, at)
            return "stopped"
        # Which brand wrote is not known: nobody who asked to stop is texted by any that may have.
        for account in self._writing_from(answer.to):
            self.book.suppressions.add(account, answer.number, _SMS, SuppressionReason.UNSUBSCRIBE, at=at)
        return "stopped_by_number"

    def _unsubscribe(self, account: Account, send_id: SendId, number: str, at: datetime) -> None:
        suppressions = self.book.suppressions
        suppressions.add(account, number, _SMS, SuppressionReason.UNSUBSCRIBE, at=at, send_id=send_id)
        suppressions.unsubscribe(account, send_id.customer_key, _SMS, at=at, send_id=send_id)
        self.book.record(send_id, FeedbackEvent(EventKind.UNSUBSCRIBED, at), _SMS)

    def _writing_from(self, number: str) -> Iterable[Account]:
        """The accounts whose number it is; when it is nobody's own, all with an identity: a pool hides its numbers."""
        identities = {
            account.account_id: (account, account.channels.sms.origination_identity)
            for account in map(self.book.accounts.get, self.book.accounts.ids())
        }
        owners = [account for account, identity in identities.values() if identity == number]
        return owners or [account for account, identity in identities.values() if identity]
