"""The turn engine: `MessageProcessor` and what it is made of."""

from pipeline.message_processor.constants import INTERRUPT_WAIT_TIMEOUT, TOKEN_QUEUE_SENTINEL
from pipeline.message_processor.event_handlers import EventHandler
from pipeline.message_processor.failure_log import log_failure
from pipeline.message_processor.models import TRANSITIONS, ConversationTurn, TurnStatus
from pipeline.message_processor.playback import Heard, Playback
from pipeline.message_processor.processor import MessageProcessor
from pipeline.message_processor.task_manager import TaskManager

__all__ = [
    "INTERRUPT_WAIT_TIMEOUT",
    "TOKEN_QUEUE_SENTINEL",
    "TRANSITIONS",
    "ConversationTurn",
    "EventHandler",
    "Heard",
    "MessageProcessor",
    "Playback",
    "TaskManager",
    "TurnStatus",
    "log_failure",
]
